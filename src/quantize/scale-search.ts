import type { Linear } from "../encoder/weights.ts";
import { asymmetricGrid, type Grid, largestLevel, roundHalfEven, snap } from "./grid.ts";
import type { InputStatistics } from "./input-gatherer.ts";
import { minMaxScales } from "./weights.ts";

/**
 * Scales that are searched on calibration rows. The measure is the squared error of the linear's output, under the
 * assumption that rounding errors of different channels are uncorrelated:
 *   E |(x - x_q) W^T|^2 = sum_j |W_:j|^2 (x_j - x_qj)^2      E |x (W - W_q)^T|^2 = sum_j E[x_j^2] |W_:j - W_q:j|^2
 * PTQ4ViT (2111.12293, section 3.3) weighs the error of every output o with the squared gradient g_o of the loss there, its
 * diagonal approximation of the Hessian. With such gradients (calibrate.ts) the measures become, summed over the rows t,
 *   sum_j (sum_o g_to^2 W_oj^2) (x_tj - x_qtj)^2                sum_oj (sum_t g_to^2 x_tj^2) (W_oj - W_qoj)^2
 */

/** Multiples of the min-max scale that PTQ4ViT tries: 0.01 to 1.2 (its section 3.3 and code). */
const CANDIDATES = Array.from({ length: 101 }, (_, i) => 0.01 + (i * (1.2 - 0.01)) / 100);

/** About as many weights a per-tensor search looks at. */
const SEARCHED_WEIGHTS = 1 << 17;

/** |W_:j|^2 of every input channel, [in]. */
export function columnNorms({ weight, in: width }: Pick<Linear, "weight" | "in">): Float64Array {
  const norms = new Float64Array(width);
  weight.forEach((value, i) => {
    norms[i % width]! += value * value;
  });
  return norms;
}

/** What weighs the squared error of every sampled value: [n, in] with gradients, else [in], the same for all rows. */
export function errorWeights(
  layer: Linear,
  { squaredGradients }: InputStatistics,
): Float64Array | Float32Array {
  if (!squaredGradients.some((value) => value > 0)) return columnNorms(layer);
  const { out, in: width, weight } = layer;
  const result = new Float32Array((squaredGradients.length / out) * width);
  squaredGradients.forEach((gradient, i) => {
    const from = Math.floor(i / out) * width;
    const row = (i % out) * width;
    for (let j = 0; j < width; j++) result[from + j]! += gradient * weight[row + j]! ** 2;
  });
  return result;
}

/** What weighs the squared error of the weights of output `o`: [in]. */
function weightMoments({ sample, squaredGradients }: InputStatistics, { out, in: width }: Linear) {
  const moments = columnNorms({ weight: sample, in: width }); // sum over rows: E[x_j^2] up to a factor
  if (!squaredGradients.some((value) => value > 0)) return () => moments;
  const squares = sample.map((value) => value ** 2);
  return (o: number): Float64Array => {
    const result = new Float64Array(width);
    for (let t = 0; t * width < squares.length; t++) {
      const gradient = squaredGradients[t * out + o]!;
      for (let j = 0; j < width; j++) result[j]! += gradient * squares[t * width + j]!;
    }
    return result;
  };
}

/** Symmetric activation grid of least output error on the sample rows. */
export function searchSymmetric(
  { sample, channelMin, channelMax }: InputStatistics,
  norms: ArrayLike<number>,
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
  norms: ArrayLike<number>,
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
  input: InputStatistics,
  bits: number,
  granularity: "per-tensor" | "per-channel",
): Float32Array {
  const { weight, out, in: width } = layer;
  const momentsOf = weightMoments(input, layer);
  const qmax = largestLevel(bits);
  const groups: readonly (readonly SearchedRow[])[] =
    granularity === "per-channel"
      ? Array.from({ length: out }, (_, row) => [{ row, times: 1 }])
      : [searchedRows(layer)];
  const error = (rows: readonly (SearchedRow & { moments: Float64Array })[], scale: number) => {
    let sum = 0;
    for (const { row, times, moments } of rows) {
      let ofRow = 0;
      for (let i = 0; i < width; i++) {
        const value = weight[row * width + i]!;
        const level = Math.min(Math.max(roundHalfEven(value / scale), -qmax), qmax);
        ofRow += moments[i]! * (value - level * scale) ** 2;
      }
      sum += times * ofRow;
    }
    return sum;
  };
  return minMaxScales(weight, out, bits, granularity).map((full, group) => {
    if (full === 0) return 0;
    const rows = groups[group]!.map((row) => ({ ...row, moments: momentsOf(row.row) }));
    return leastError(
      CANDIDATES.map((factor) => factor * full),
      (scale) => error(rows, scale),
    );
  });
}

/** A row of a weight that a search looks at, and for how many rows it stands. */
interface SearchedRow {
  readonly row: number;
  readonly times: number;
}

/**
 * Rows of a per-tensor search. What clips is in the rows with the largest weights, so these are all looked at: leaving the one
 * row out that writes a massive activation would clip just that. The others are left out evenly.
 */
function searchedRows({ weight, out, in: width }: Linear): SearchedRow[] {
  const largest = Float32Array.from({ length: out }, (_, row) =>
    weight.subarray(row * width, (row + 1) * width).reduce((max, value) => Math.max(max, Math.abs(value)), 0),
  );
  const rows = Array.from({ length: out }, (_, row) => row).sort(
    (a, b) => largest[b]! - largest[a]! || a - b,
  );
  const wanted = Math.max(1, Math.floor(SEARCHED_WEIGHTS / width));
  if (wanted >= out) return rows.map((row) => ({ row, times: 1 }));
  const certain = Math.ceil(wanted / 2);
  const step = Math.ceil((out - certain) / Math.max(1, wanted - certain));
  const rest = rows.slice(certain).filter((_, i) => i % step === 0);
  return [
    ...rows.slice(0, certain).map((row) => ({ row, times: 1 })),
    ...rest.map((row) => ({ row, times: (out - certain) / rest.length })),
  ];
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

function outputError(sample: Float32Array, norms: ArrayLike<number>, grid: Grid): number {
  let sum = 0;
  for (let i = 0; i < sample.length; i++) {
    sum += norms[i % norms.length]! * (sample[i]! - snap(sample[i]!, grid)) ** 2;
  }
  return sum;
}

/** The first of the candidates that err least. */
export function leastError<T extends object | number>(
  candidates: readonly T[],
  error: (candidate: T) => number,
): T {
  let best = candidates[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const value = error(candidate);
    if (value < least) [best, least] = [candidate, value];
  }
  return best;
}
