import { type BlockWeights, LINEARS, type Linear, type LinearName } from "../encoder/weights.ts";
import type { Quantization } from "../intervention/intervention.ts";

/**
 * Simulated weight quantization: symmetric, min-max, round to nearest (half to even, as torch.round), with
 * levels -(2^(b-1)-1)..2^(b-1)-1: w_q = s * round(w / s), s = max|w| / (2^(b-1)-1). The range is that of the
 * whole tensor, or of each output channel (row).
 * @param rows the tensor is [rows, length / rows]
 */
export function quantizeWeight(
  weight: Float32Array,
  rows: number,
  bits: number,
  granularity: Quantization["weightGranularity"],
): Float32Array {
  const groups = granularity === "per-channel" ? rows : 1;
  const size = weight.length / groups;
  const result = new Float32Array(weight.length);
  for (let group = 0; group < groups; group++) {
    const begin = group * size;
    let max = 0;
    for (let i = begin; i < begin + size; i++) max = Math.max(max, Math.abs(weight[i]!));
    const scale = Math.fround(max / largestLevel(bits));
    if (scale === 0) continue; // all-zero weights stay zero
    for (let i = begin; i < begin + size; i++) {
      result[i] = roundHalfEven(Math.fround(weight[i]! / scale)) * scale;
    }
  }
  return result;
}

/** qmax = 2^(bits-1) - 1, the largest level of a symmetric grid. */
export function largestLevel(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

/** Linears that a quantization rounds. */
export function quantizedLinears(quantization: Quantization): readonly LinearName[] {
  return quantization.linears ?? LINEARS;
}

/** The block with the weights of the quantized linears rounded; biases, norms and LayerScale stay FP. */
export function quantizeBlock(weights: BlockWeights, quantization: Quantization): BlockWeights {
  const rounded = (linear: Linear): Linear => ({
    ...linear,
    weight: quantizeWeight(
      linear.weight,
      linear.out,
      quantization.weightBits,
      quantization.weightGranularity,
    ),
  });
  return {
    ...weights,
    ...Object.fromEntries(quantizedLinears(quantization).map((name) => [name, rounded(weights[name])])),
  };
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
