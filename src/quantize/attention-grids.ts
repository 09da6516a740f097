import { OPERANDS, type Operand } from "../graph/attention-rounding.ts";
import { PERCENTILES, type Quantization } from "../intervention/quantization.ts";
import type { GridFeeds } from "./activation-grids.ts";
import type { AttentionStatistics, SoftmaxStatistics } from "./attention-statistics.ts";
import { asymmetricGrid, clipRange, type Grid, type Range, roundHalfEven, symmetricGrid } from "./grid.ts";
import type { InputStatistics } from "./input-gatherer.ts";
import { columnNorms, leastError, searchPercentile, searchSymmetric } from "./scale-search.ts";

/**
 * Static grids of the attention matmuls (graph/attention-rounding.ts). The softmax output needs no calibration where its grid is
 * uniform: it lies in [0, 1].
 */
export function attentionGrids(q: Quantization, statistics: AttentionStatistics): GridFeeds {
  const feeds: Record<string, number | readonly number[]> = {};
  for (const name of OPERANDS) {
    const grids = operandGrids(q, name, statistics);
    feeds[`${name}_scale`] = q.base === "ptq4vit" ? grids.map(({ scale }) => scale) : grids[0]!.scale;
    feeds[`${name}_low`] = grids[0]!.low;
    feeds[`${name}_high`] = grids[0]!.high;
  }
  return { ...feeds, ...softmaxFeeds(q, statistics.softmax) };
}

/** One grid, or for PTQ4ViT one a head: its levels are the same, its scale is not. */
function operandGrids(q: Quantization, name: Operand, statistics: AttentionStatistics): Grid[] {
  const input = statistics[name];
  const bits = q.activationBits;
  const width = input.channelMin.length;
  if (q.base === "repq-vit") return [searchPercentile(input, width, bits)];
  if (q.base === "ptq4vit") {
    const { heads } = statistics;
    const norms = factorNorms(name, statistics);
    return Array.from({ length: heads }, (_, head) => {
      const from = (head * width) / heads;
      const to = from + width / heads;
      return searchSymmetric(headOf(input, from, to), norms.subarray(from, to), bits);
    });
  }
  const range = clipRange(operandRange(q, input), q.clip);
  return [q.activationScheme === "asymmetric" ? asymmetricGrid(range, bits) : symmetricGrid(range, bits)];
}

function operandRange(q: Quantization, { percentiles, channelMin, channelMax }: InputStatistics): Range {
  if (q.range?.kind === "static" && q.range.statistic === "percentile") {
    const i = PERCENTILES.indexOf(q.range.percentile);
    if (q.activationScheme === "asymmetric") return { min: percentiles.low[i]!, max: percentiles.high[i]! };
    return { min: -percentiles.magnitude[i]!, max: percentiles.magnitude[i]! };
  }
  return { min: Math.min(...channelMin), max: Math.max(...channelMax) };
}

/** The other factor's squared channels: E |(q - q_q) k^T|^2 = sum_c E[k_c^2] (q_c - q_qc)^2, and the like for k. Rows of v count alike. */
function factorNorms(name: Operand, { q, k, v }: AttentionStatistics): Float64Array {
  const width = v.channelMin.length;
  if (name === "v") return new Float64Array(width).fill(1);
  return columnNorms({ weight: name === "q" ? k.sample : q.sample, in: width });
}

/** The channels [from, to) of an operand. */
function headOf(input: InputStatistics, from: number, to: number): InputStatistics {
  const width = input.channelMin.length;
  const rows = input.sample.length / width;
  const sample = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) {
    sample.set(input.sample.subarray(row * width + from, row * width + to), row * (to - from));
  }
  const { channelMin, channelMax } = input;
  return {
    ...input,
    sample,
    channelMin: channelMin.subarray(from, to),
    channelMax: channelMax.subarray(from, to),
  };
}

function softmaxFeeds(q: Quantization, softmax: SoftmaxStatistics): Record<string, number> {
  const bits = q.activationBits;
  if (q.base === "ptq4vit") {
    const count = 2 ** (bits - 1);
    return {
      softmax_scale: searchSplit(softmax, bits) / count,
      softmax_large_scale: 1 / count,
      softmax_levels: count,
    };
  }
  if (q.base === "repq-vit") {
    return { softmax_scale: searchLogScale(softmax, bits), softmax_levels: logLevels(bits) };
  }
  const range = clipRange({ min: 0, max: 1 }, q.clip);
  const grid = q.activationScheme === "asymmetric" ? asymmetricGrid(range, bits) : symmetricGrid(range, bits);
  return { softmax_scale: grid.scale, softmax_low: grid.low, softmax_high: grid.high };
}

/** Where PTQ4ViT's two softmax grids may part: 2^0 to 2^-19, as in its code. */
const SPLITS = Array.from({ length: 20 }, (_, i) => 2 ** -i);

/** The split of least error of the attention's output, if errors of different weights are uncorrelated: sum |v|^2 (a - a_q)^2. */
export function searchSplit({ sample, valueNorms }: SoftmaxStatistics, bits: number): number {
  const count = 2 ** (bits - 1);
  return leastError(SPLITS, (split) => {
    let sum = 0;
    for (let i = 0; i < sample.length; i++) {
      const value = sample[i]!;
      const scale = (value < split ? split : 1) / count;
      const rounded = scale * roundHalfEven(Math.min(value / scale, count - 1));
      sum += valueNorms[i]! * (value - rounded) ** 2;
    }
    return sum;
  });
}

/** The percentile that errs least as the scale of the log-sqrt2 grid (RepQ-ViT's code). */
export function searchLogScale({ sample, percentiles }: SoftmaxStatistics, bits: number): number {
  const levels = logLevels(bits);
  return leastError(
    percentiles.map((scale) => Math.max(scale, 1e-30)),
    (scale) => {
      let sum = 0;
      for (const value of sample) {
        const level = roundHalfEven(-2 * Math.log2(Math.min(Math.max(value / scale, 2 ** -126), 1)));
        sum += (value - (level < levels ? scale * 2 ** (-level / 2) : 0)) ** 2;
      }
      return sum;
    },
  );
}

/** Levels of the log-sqrt2 grid; what fp32 has no normal numbers for is zero. */
function logLevels(bits: number): number {
  return Math.min(2 ** bits, 252);
}
