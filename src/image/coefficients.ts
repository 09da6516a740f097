/** How a resampling filter weighs its neighbours, by distance in output pixels, as Pillow defines it. */
interface Filter {
  /** Beyond this distance the weight is 0. */
  readonly support: number;
  weight(distance: number): number;
}

/** Keys' cubic convolution kernel with parameter `a` at a distance of at most 2. */
export function keys(a: number, distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** Pillow's `bicubic_filter`: Keys' kernel with a = -0.5. */
const bicubic: Filter = { support: 2, weight: (distance) => keys(-0.5, distance) };

/** Pillow's `bilinear_filter`: a triangle. */
const bilinear: Filter = {
  support: 1,
  weight(distance) {
    const x = Math.abs(distance);
    return x < 1 ? 1 - x : 0;
  },
};

/** The filters by the name that timm and torchvision use. */
export const FILTERS = { bicubic, bilinear } as const;
export type FilterName = keyof typeof FILTERS;

/** Fixed-point bits of a coefficient: 8 for the result, 2 for overshoot (Pillow `PRECISION_BITS`). */
export const PRECISION_BITS = 32 - 8 - 2;

/** Weights of one axis: output pixel i (counted from `begin`) is the weighted sum of `count[i]` inputs from `first[i]`. */
export interface Coefficients {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** Fixed-point weights, [outputs, stride]; a row's weights beyond its count are 0. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` (src/libImaging/Resample.c) for the outputs
 * [begin, end) of an axis of `inputSize` pixels that is scaled to `outputSize`. When scaling down the filter is
 * widened by the scale, which is what antialiases.
 */
export function coefficients(
  filter: FilterName,
  inputSize: number,
  outputSize: number,
  begin: number,
  end: number,
): Coefficients {
  const widths = Math.max(inputSize / outputSize, 1);
  const stride = Math.ceil(FILTERS[filter].support * widths) * 2 + 1;
  const first = new Int32Array(end - begin);
  const count = new Int32Array(end - begin);
  const weights = new Int32Array((end - begin) * stride);
  for (let i = 0; i < end - begin; i++) {
    const row = pillowWeights(filter, inputSize, outputSize, begin + i);
    row.weights.forEach((weight, k) => {
      const fixed = weight * 2 ** PRECISION_BITS;
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    first[i] = row.first;
    count[i] = row.weights.length;
  }
  return { first, count, weights, stride };
}

/**
 * The weights of one output (Pillow `precompute_coeffs`; torch's antialiasing `interpolate` has the same):
 * output `index` of an axis scaled from `inputSize` to `outputSize` is the sum of weights[k] * input[first + k].
 */
export function pillowWeights(
  filter: FilterName,
  inputSize: number,
  outputSize: number,
  index: number,
): { first: number; weights: number[] } {
  const { support: unit, weight } = FILTERS[filter];
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = unit * filterScale;
  // Multiplied, not divided by, as Pillow does: the last bit of a weight can depend on it.
  const inverse = 1 / filterScale;
  const centre = (index + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - support + 0.5));
  const count = Math.min(inputSize, Math.trunc(centre + support + 0.5)) - first;
  const weights = Array.from({ length: count }, (_, k) => weight((k + first - centre + 0.5) * inverse));
  let sum = 0;
  for (const one of weights) sum += one;
  return { first, weights: sum === 0 ? weights : weights.map((one) => one / sum) };
}
