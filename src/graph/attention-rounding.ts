import { asymmetricGrid, round, snap, symmetricGrid } from "./activation-rounding.ts";
import type { GraphBuilder } from "./onnx.ts";

/**
 * Simulated quantization of the attention matmuls: of q, k and v, each as one tensor over its heads or head by head, and of the
 * softmax output. The prefix slot's key, value and softmax weight are rounded with the tokens' own: they are operands of the
 * same products. The slot's weight is that of all copies of its register together, and is rounded as one number.
 *
 * inputs   dynamic: qmax, with `clips` also clip_ratio and clip_limit, as in activation-rounding.ts
 *          static: <operand>_scale, <operand>_low and <operand>_high for the operands q, k and v, [1] or, `perHead`, [H, 1, 1]
 *          softmax, static: uniform softmax_scale, softmax_low and softmax_high; twin softmax_scale, softmax_large_scale and
 *          softmax_levels; log-sqrt2 softmax_scale and softmax_levels; [1] each
 */
export interface AttentionRounding {
  readonly range: "dynamic" | "static";
  readonly scheme: "symmetric" | "asymmetric";
  readonly clips: boolean;
  /** Static grids of q, k and v per head. */
  readonly perHead: boolean;
  /** Uniform, PTQ4ViT's twin uniform (2111.12293, section 3.2), or RepQ-ViT's log-sqrt2 (2212.08254, section 3.3). */
  readonly softmax: "uniform" | "twin" | "log-sqrt2";
}

/** What the attention matmuls multiply, besides the softmax output. */
export const OPERANDS = ["q", "k", "v"] as const;
export type Operand = (typeof OPERANDS)[number];

/** Rounds an operand that consists of parts [H, ., .] on one grid (or one a head), and returns the rounded parts. */
export function roundOperand(
  g: GraphBuilder,
  parts: readonly string[],
  name: Operand | "softmax",
  how: AttentionRounding,
): string[] {
  const { scale, levels } = how.range === "static" ? staticGrid(g, name, how) : dynamicGrid(g, parts, how);
  return parts.map((part) => snap(g, part, scale, levels));
}

/** Rounds the softmax output [H, T, 1 + T]. */
export function roundSoftmax(g: GraphBuilder, weights: string, how: AttentionRounding): string {
  if (how.softmax === "twin") return twinUniform(g, weights);
  if (how.softmax === "log-sqrt2") return logSqrt2(g, weights);
  return roundOperand(g, [weights], "softmax", how)[0]!;
}

function staticGrid(g: GraphBuilder, name: Operand | "softmax", how: AttentionRounding) {
  const dims = how.perHead && name !== "softmax" ? ["H", 1, 1] : [1];
  const scale = g.input(`${name}_scale`, dims);
  return { scale, levels: { low: g.input(`${name}_low`, [1]), high: g.input(`${name}_high`, [1]) } };
}

function dynamicGrid(g: GraphBuilder, parts: readonly string[], how: AttentionRounding) {
  const qmax = g.sharedInput("qmax", [1]);
  const largest = extreme(g, parts, "ReduceMax", "Max");
  const smallest = extreme(g, parts, "ReduceMin", "Min");
  if (how.scheme === "asymmetric") return asymmetricGrid(g, largest, smallest, qmax, how);
  return symmetricGrid(g, g.node("Max", [largest, g.node("Neg", [smallest])]), qmax, how);
}

/** Extreme over all parts, [1]. */
function extreme(
  g: GraphBuilder,
  parts: readonly string[],
  reduce: "ReduceMax" | "ReduceMin",
  join: "Max" | "Min",
): string {
  const each = parts.map((part) =>
    g.node("Reshape", [g.node(reduce, [part], { axes: [0, 1, 2], keepdims: 1 }), g.integers([1])]),
  );
  return each.length > 1 ? g.node(join, each) : each[0]!;
}

/**
 * Small values on a fine grid, s1 * (0..m - 1), all others on a coarse one over [0, 1], s2 * (0..m - 1), where m = 2^(b-1), s2 =
 * 1 / m, and the fine grid's range m s1 is where they part. So one bit names the grid, and s2 / s1 is a power of two.
 */
function twinUniform(g: GraphBuilder, x: string): string {
  const small = g.input("softmax_scale", [1]);
  const large = g.input("softmax_large_scale", [1]);
  const count = g.input("softmax_levels", [1]); // m
  const zero = g.constant([0]);
  const levels = { low: zero, high: g.node("Sub", [count, g.constant([1])]) };
  const isSmall = g.node("Less", [x, g.node("Mul", [small, count])]);
  return g.node("Where", [isSmall, snap(g, x, small, levels), snap(g, x, large, levels)]);
}

/** 2^-126, below which fp32 has no full precision and WebGPU flushes to zero. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * n = round(-2 log2(x / s)), x_q = s 2^ceil(-n/2) (sqrt2 for odd n, else 1), which is s sqrt2^-n; 0 from softmax_levels on, and
 * x / s > 1 is clipped to 1. `Log` and `Exp` run on every backend.
 */
function logSqrt2(g: GraphBuilder, x: string): string {
  const scale = g.input("softmax_scale", [1]);
  const levels = g.input("softmax_levels", [1]);
  const share = g.node("Max", [
    g.node("Min", [g.node("Div", [x, scale]), g.constant([1])]),
    g.constant([SMALLEST_NORMAL]),
  ]);
  const exponent = g.node("Mul", [g.node("Log", [share]), g.constant([-2 / Math.LN2])]);
  const level = round(g, exponent);
  const value = g.node("Exp", [g.node("Mul", [level, g.constant([-Math.LN2 / 2])])]);
  return g.node("Where", [g.node("Less", [level, levels]), g.node("Mul", [value, scale]), g.constant([0])]);
}
