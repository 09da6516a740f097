import type { Linear } from "../encoder/weights.ts";
import type { IntegerLinear } from "../graph/integer-linear.ts";
import type { Quantization } from "../intervention/quantization.ts";
import { largestLevel, roundHalfEven } from "./grid.ts";

/** Weights on levels: w_q = scale * level, one scale a group of `levels.length / scales.length` consecutive weights. */
export interface WeightLevels {
  /** At most +-127, [rows, columns] as the weight. */
  readonly levels: Int8Array;
  /** [1] (per tensor) or [rows] (per output channel). */
  readonly scales: Float32Array;
}

/**
 * Symmetric weight quantization: round to nearest (half to even, as torch.round), with levels
 * -(2^(b-1)-1)..2^(b-1)-1: level = round(w / s). Without `scales`, s = max|w| / (2^(b-1)-1) over the whole tensor, or over
 * each output channel (row); with them, larger weights are clipped.
 * @param rows the tensor is [rows, length / rows]
 */
export function weightLevels(
  weight: Float32Array,
  rows: number,
  bits: number,
  granularity: Quantization["weightGranularity"],
  scales: Float32Array = minMaxScales(weight, rows, bits, granularity),
): WeightLevels {
  const size = weight.length / scales.length;
  const qmax = largestLevel(bits);
  const levels = new Int8Array(weight.length);
  for (const [group, scale] of scales.entries()) {
    if (scale === 0) continue; // all-zero weights stay zero
    for (let i = group * size; i < (group + 1) * size; i++) {
      const level = roundHalfEven(Math.fround(weight[i]! / scale));
      levels[i] = Math.min(Math.max(level, -qmax), qmax);
    }
  }
  return { levels, scales };
}

/** s = max|w| / qmax of every group. */
export function minMaxScales(
  weight: Float32Array,
  rows: number,
  bits: number,
  granularity: Quantization["weightGranularity"],
): Float32Array {
  const groups = granularity === "per-channel" ? rows : 1;
  const size = weight.length / groups;
  return Float32Array.from({ length: groups }, (_, group) => {
    let max = 0;
    for (let i = group * size; i < (group + 1) * size; i++) max = Math.max(max, Math.abs(weight[i]!));
    return max / largestLevel(bits);
  });
}

/** The weights that levels stand for. */
export function fromLevels({ levels, scales }: WeightLevels): Float32Array {
  const size = levels.length / scales.length;
  const result = new Float32Array(levels.length);
  for (const [group, scale] of scales.entries()) {
    for (let i = group * size; i < (group + 1) * size; i++) result[i] = levels[i]! * scale;
  }
  return result;
}

/** {@link weightLevels}, back in fp32: what simulated quantization computes with. */
export function quantizeWeight(
  weight: Float32Array,
  rows: number,
  bits: number,
  granularity: Quantization["weightGranularity"],
): Float32Array {
  return fromLevels(weightLevels(weight, rows, bits, granularity));
}

/** A linear for the integer kernels: levels transposed to [in, out]. */
export function integerLinearOf(layer: Linear, { levels, scales }: WeightLevels): IntegerLinear {
  const { out, in: width, bias } = layer;
  const transposed = new Int8Array(levels.length);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < width; i++) transposed[i * out + o] = levels[o * width + i]!;
  }
  return { levels: transposed, scales, bias, out, in: width };
}
