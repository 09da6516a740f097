import { type FilterName, keys, pillowWeights } from "../image/coefficients.ts";

/**
 * How a library resamples a position embedding: bicubically over four neighbours (most Transformers models), or by a kernel
 * that is widened when scaling down, which is what `antialias` does: bicubic (timm, OpenCLIP, DINOv2 with registers) or
 * bilinear (SigLIP 2 NaFlex).
 */
export type Resampling = { readonly filter: "bicubic"; readonly antialias: false } | Antialiased;
interface Antialiased {
  readonly filter: FilterName;
  readonly antialias: true;
}

export const BICUBIC: Resampling = { filter: "bicubic", antialias: false };
export const ANTIALIASED_BICUBIC: Resampling = { filter: "bicubic", antialias: true };
export const ANTIALIASED_BILINEAR: Resampling = { filter: "bilinear", antialias: true };

/** From one square grid of patches to another. */
export interface PositionResize {
  readonly from: number;
  readonly to: number;
  readonly resampling: Resampling;
}

/**
 * Position embedding [from², D] resampled to [to², D], as torch's `interpolate(align_corners=False)` does it (ATen
 * UpSample): with `antialias` Pillow's kernels (bicubic: Keys' with a = -0.5) over a widened support, without it Keys'
 * with a = -0.75 over four neighbours, borders repeated.
 */
export function resizePositions(
  positions: Float32Array,
  width: number,
  { from, to, resampling }: PositionResize,
): Float32Array {
  const taps = Array.from({ length: to }, (_, i) =>
    resampling.antialias ? widened(resampling.filter, from, to, i) : fourTaps(from, to, i),
  );
  // Separable: along x for every old row, then along y.
  const across = new Float64Array(from * to * width);
  for (let y = 0; y < from; y++) {
    for (let x = 0; x < to; x++) {
      for (const { at, weight } of taps[x]!) {
        addScaled(across, (y * to + x) * width, positions, (y * from + at) * width, width, weight);
      }
    }
  }
  const out = new Float64Array(to * to * width);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      for (const { at, weight } of taps[y]!) {
        addScaled(out, (y * to + x) * width, across, (at * to + x) * width, width, weight);
      }
    }
  }
  return Float32Array.from(out);
}

interface Tap {
  readonly at: number;
  readonly weight: number;
}

function fourTaps(from: number, to: number, i: number): Tap[] {
  const centre = (i + 0.5) * (from / to) - 0.5;
  const floor = Math.floor(centre);
  return [-1, 0, 1, 2].map((offset) => ({
    at: Math.min(from - 1, Math.max(0, floor + offset)),
    weight: keys(-0.75, centre - (floor + offset)),
  }));
}

function widened(filter: FilterName, from: number, to: number, i: number): Tap[] {
  const { first, weights } = pillowWeights(filter, from, to, i);
  return weights.map((weight, k) => ({ at: first + k, weight }));
}

function addScaled(
  sum: Float64Array,
  to: number,
  of: Float32Array | Float64Array,
  from: number,
  count: number,
  factor: number,
): void {
  for (let c = 0; c < count; c++) sum[to + c]! += of[from + c]! * factor;
}
