import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import { LINEARS, type LinearName, type Norm } from "../encoder/weights.ts";
import { linearGradient } from "../graph/block-gradient.ts";
import type { Tokens } from "../regcache/delete.ts";

/** What a backward pass starts from: the states of an FP run. */
export interface ForwardStates {
  /** Of every block its input after any deletion, [T, D], and the tokens that its rows are. */
  readonly blocks: readonly Tokens[];
  /** Residual stream after the last block, [T, D]. */
  readonly output: Float32Array;
}

/** Gradients of a loss at the outputs of a block's linears, [T, out] each. */
export type LinearGradients = Readonly<Record<LinearName, Float32Array>>;

export const GRADIENT_OUTPUTS = ["dx", ...LINEARS.map(linearGradient)];

/** How an encoder's head normalises and pools. */
export interface HeadNorm {
  readonly norm: Norm;
  readonly normAfterPool: boolean;
}

/**
 * Gradient of u . f at the last block's output, where f [D] is the pooled feature before any projection. For attention pooling the
 * mean of the normalised tokens stands in for the feature.
 * @param y [T, D]
 * @param u [D]
 */
export function headGradient(
  spec: EncoderSpec,
  { norm, normAfterPool }: HeadNorm,
  y: Float32Array,
  u: Float32Array,
): Float32Array {
  const D = spec.width;
  const rows = y.length / D;
  const gradient = new Float32Array(y.length);
  if (spec.pooling === "cls") {
    gradient.set(normGradient(y.subarray(0, D), norm, spec.layerNormEps, u));
    return gradient;
  }
  const first = leadingTokens(spec);
  const share = u.map((value) => value / (rows - first));
  const pooled = normAfterPool ? meanRow(y, D, first) : null;
  for (let row = first; row < rows; row++) {
    const at = pooled ?? y.subarray(row * D, (row + 1) * D);
    gradient.set(normGradient(at, norm, spec.layerNormEps, share), row * D);
  }
  return gradient;
}

/** A gradient [T', D] at the rows that were left, as one [T, D] at the rows before: deleted ones have none. */
export function scatterRows(gradient: Float32Array, from: Int32Array, to: Int32Array): Float32Array {
  if (from.length === to.length) return gradient;
  const width = gradient.length / from.length;
  const row = new Map(Array.from(to, (token, index) => [token, index]));
  const result = new Float32Array(to.length * width);
  from.forEach((token, index) => {
    result.set(gradient.subarray(index * width, (index + 1) * width), row.get(token)! * width);
  });
  return result;
}

/** (h - mean(h) - n mean(h n)) / sigma, with n the normalised row and h = dy gamma. */
function normGradient(row: Float32Array, norm: Norm, eps: number, dy: Float32Array): Float32Array {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const centre = mean(row);
  const sigma = Math.sqrt(mean(row.map((value) => (value - centre) ** 2)) + eps);
  const n = row.map((value) => (value - centre) / sigma);
  const h = dy.map((value, c) => value * norm.weight[c]!);
  const [level, along] = [mean(h), mean(h.map((value, c) => value * n[c]!))];
  return h.map((value, c) => (value - level - n[c]! * along) / sigma);
}

function meanRow(y: Float32Array, width: number, first: number): Float32Array {
  const mean = new Float32Array(width);
  const rows = y.length / width;
  for (let row = first; row < rows; row++) {
    for (let c = 0; c < width; c++) mean[c]! += y[row * width + c]! / (rows - first);
  }
  return mean;
}
