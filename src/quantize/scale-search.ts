import type { Linear } from "../encoder/weights.ts";
import { asymmetricGrid, type Grid, largestLevel, roundHalfEven, snap } from "./grid.ts";
import type { InputStatistics } from "./statistics.ts";
import { minMaxScales } from "./weights.ts";

/**
 * Scales that are searched on calibration rows. The measure is the squared error of the linear's output, under the
 * assumption that rounding errors of different channels are uncorrelated:
 *   E |(x - x_q) W^T|^2 = sum_j |W_:j|^2 (x_j - x_qj)^2      E |x (W - W_q)^T|^2 = sum_j E[x_j^2] |W_:j - W_q:j|^2
 * PTQ4ViT (2111.12293) weighs the output error with the loss's squared gradient, which needs labels and a backward pass:
 * that Hessian guidance is not done here.
 */

/** Multiples of the min-max scale that PTQ4ViT tries: 0.01 to 1.2 (its section 3.3 and code). */
const CANDIDATES = Array.from({ length: 101 }, (_, i) => 0.01 + (i * (1.2 - 0.01)) / 100);

/** Weights that a per-tensor search looks at; rows are left out evenly above it. */
const SEARCHED_WEIGHTS = 1 << 17;

/** |W_:j|^2 of every input channel, [in]. */
export function columnNorms({ weight, in: width }: Pick<Linear, "weight" | "in">): Float64Array {
  const norms = new Float64Array(width);
  weight.forEach((value, i) => {
    norms[i % width]! += value * value;
  });
  return norms;
}

/** Symmetric activation grid of least output error on the sample rows. */
export function searchSymmetric(
  { sample, channelMin, channelMax }: InputStatistics,
  norms: Float64Array,
  bits: number,
): Grid {
  const high = largestLevel(bits);
  const largest = Math.max(...channelMax, -Math.min(...channelMin), 1e-30);
  return leastError(
    CANDIDATES.map((factor) => ({ scale: (factor * largest) / high, low: -high, high })),
    (grid) => outputError(sample, norms, grid),
  );
}

/**
 * PTQ4ViT's twin uniform grids of a tensor that GELU bounded below (its section 3.2): negative values on levels -2^(b-1)..0 over
 * their whole range, positive ones on 0..2^(b-1) - 1 with a searched scale.
 */
export function searchTwin(
  { sample, channelMin, channelMax }: InputStatistics,
  norms: Float64Array,
  bits: number,
): { positive: Grid; negative: Grid } {
  const high = largestLevel(bits);
  const low = -(2 ** (bits - 1));
  const negative = { scale: Math.max(Math.min(...channelMin) / low, 1e-30), low, high: 0 };
  const largest = Math.max(...channelMax, 1e-30);
  const aboveZero = sample.map((value) => Math.max(value, 0));
  const positive = leastError(
    CANDIDATES.map((factor) => ({ scale: (factor * largest) / high, low: 0, high })),
    (grid) => outputError(aboveZero, norms, grid),
  );
  return { positive, negative };
}

/** Weight scales of least output error, per tensor or per output channel. */
export function searchWeightScales(
  layer: Linear,
  { sample }: InputStatistics,
  bits: number,
  granularity: "per-tensor" | "per-channel",
): Float32Array {
  const { weight, out, in: width } = layer;
  const moments = columnNorms({ weight: sample, in: width }); // sum over rows: E[x_j^2] up to a factor
  const qmax = largestLevel(bits);
  const rowStep = granularity === "per-channel" ? 1 : Math.ceil(weight.length / SEARCHED_WEIGHTS);
  const error = (group: number, rows: number, scale: number) => {
    let sum = 0;
    for (let row = group * rows; row < (group + 1) * rows; row += rowStep) {
      for (let i = 0; i < width; i++) {
        const value = weight[row * width + i]!;
        const level = Math.min(Math.max(roundHalfEven(value / scale), -qmax), qmax);
        sum += moments[i]! * (value - level * scale) ** 2;
      }
    }
    return sum;
  };
  const groups = granularity === "per-channel" ? out : 1;
  return minMaxScales(weight, out, bits, granularity).map((full, group) => {
    if (full === 0) return 0;
    return leastError(
      CANDIDATES.map((factor) => factor * full),
      (scale) => error(group, out / groups, scale),
    );
  });
}

/** The asymmetric grid over the tails of 99.9, 99.99 or 99.999 % (RepQ-ViT's code) that errs least on the sample rows. */
export function searchPercentile(
  { sample, percentiles }: InputStatistics,
  width: number,
  bits: number,
): Grid {
  const even = new Float64Array(width).fill(1);
  const ranges = percentiles.high.map((max, i) => ({ min: percentiles.low[i]!, max })).slice(1);
  return leastError(
    ranges.map((range) => asymmetricGrid(range, bits)),
    (grid) => outputError(sample, even, grid),
  );
}

function outputError(sample: Float32Array, norms: Float64Array, grid: Grid): number {
  const width = norms.length;
  let sum = 0;
  for (let i = 0; i < sample.length; i++) {
    sum += norms[i % width]! * (sample[i]! - snap(sample[i]!, grid)) ** 2;
  }
  return sum;
}

/** The first of the candidates that err least. */
function leastError<T extends object | number>(candidates: readonly T[], error: (candidate: T) => number): T {
  let best = candidates[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const value = error(candidate);
    if (value < least) [best, least] = [candidate, value];
  }
  return best;
}
