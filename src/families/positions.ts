import { keys, pillowWeights } from "../image/coefficients.ts";

/** From one square grid of patches to another. */
export interface PositionResize {
  readonly from: number;
  readonly to: number;
  /** Widen the kernel when scaling down (timm, OpenCLIP, DINOv2 with registers) or not (the other HF models). */
  readonly antialias: boolean;
}

/**
 * Position embedding [from², D] resampled bicubically to [to², D], as torch's `interpolate(mode="bicubic",
 * align_corners=False)` does it (ATen UpSample): with `antialias` Keys' kernel with a = -0.5 over a widened
 * support, without it a = -0.75 over four neighbours, borders repeated.
 */
export function resizePositions(
  positions: Float32Array,
  width: number,
  { from, to, antialias }: PositionResize,
): Float32Array {
  const taps = Array.from({ length: to }, (_, i) =>
    antialias ? widened(from, to, i) : fourTaps(from, to, i),
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

function widened(from: number, to: number, i: number): Tap[] {
  const { first, weights } = pillowWeights("bicubic", from, to, i);
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
