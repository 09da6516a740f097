import type { Linear, Norm } from "../encoder/weights.ts";
import { type Grid, type Range, roundHalfEven } from "./grid.ts";
import type { InputStatistics } from "./input-gatherer.ts";

/**
 * Equivalent changes of a LayerNorm and the linear after it. With x' = x / r - b per channel,
 *   W x + c = (W r) x' + (c + W r b),
 * so the block computes the same, but what is quantized is x', whose channels are more alike.
 */
export interface Fold {
  /** r, [in] */
  readonly divisor: Float32Array;
  /** b, [in] */
  readonly shift: Float32Array;
}

/** Puts a fold into a LayerNorm's scale and shift, and undoes it in the linear's weight and bias. */
export function applyFold(
  norm: Norm,
  layer: Linear,
  { divisor, shift }: Fold,
): { norm: Norm; layer: Linear } {
  const weight = layer.weight.map((value, i) => value * divisor[i % layer.in]!);
  const bias = Float32Array.from({ length: layer.out }, (_, row) => {
    let sum = layer.bias?.[row] ?? 0;
    for (let i = 0; i < layer.in; i++) sum += weight[row * layer.in + i]! * shift[i]!;
    return sum;
  });
  return {
    norm: {
      weight: norm.weight.map((value, i) => value / divisor[i]!),
      bias: norm.bias.map((value, i) => value / divisor[i]! - shift[i]!),
    },
    layer: { ...layer, weight, bias: layer.bias || shift.some((value) => value !== 0) ? bias : null },
  };
}

/** Keeps dead channels from dividing by zero, as the authors' code does. */
const SMALLEST = 1e-5;

/** SmoothQuant (2211.10438, equation 4): r_j = max|X_j|^alpha / max|W_j|^(1 - alpha). */
export function smoothingFold(layer: Linear, input: InputStatistics, alpha: number): Fold {
  const largest = new Float32Array(layer.in).fill(SMALLEST);
  layer.weight.forEach((value, i) => {
    const channel = i % layer.in;
    largest[channel] = Math.max(largest[channel]!, Math.abs(value));
  });
  const divisor = largest.map((weight, i) => {
    const activation = Math.max(input.channelMax[i]!, -input.channelMin[i]!);
    return Math.max(activation ** alpha / weight ** (1 - alpha), SMALLEST);
  });
  return { divisor, shift: new Float32Array(layer.in) };
}

/**
 * RepQ-ViT's scale reparameterization (2212.08254, equations 8 to 12): the LayerNorm output has a scale s_c and a zero point
 * z_c per channel (min-max, asymmetric); the fold makes all of them the mean s and z. With r = s_c / s,
 *   x' = x / r - (m_c / r - m), where m_c = -z_c s_c and m = -z s are the lower ends of the grids.
 * The mean zero point is rounded, so that it is one that an integer kernel could have.
 */
export function channelFold(input: InputStatistics, bits: number): { fold: Fold; grid: Grid } {
  const levels = 2 ** bits - 1;
  const width = input.channelMin.length;
  const scales = new Float64Array(width);
  const zeros = new Float64Array(width);
  let [scale, zero] = [0, 0];
  for (let channel = 0; channel < width; channel++) {
    const { min, max }: Range = { min: input.channelMin[channel]!, max: input.channelMax[channel]! };
    scales[channel] = Math.max((max - min) / levels, 1e-8);
    zeros[channel] = roundHalfEven(-min / scales[channel]!);
    scale += scales[channel]! / width;
    zero += zeros[channel]! / width;
  }
  zero = roundHalfEven(zero);
  const divisor = Float32Array.from(scales, (value) => value / scale);
  const shift = Float32Array.from(
    divisor,
    (r, channel) => (-zeros[channel]! * scales[channel]!) / r + zero * scale,
  );
  return { fold: { divisor, shift }, grid: { scale, low: -zero, high: levels - zero } };
}
