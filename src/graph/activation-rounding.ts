import type { LinearName } from "../encoder/weights.ts";
import type { LazyRange } from "./layers.ts";
import type { GraphBuilder } from "./onnx.ts";

/**
 * Simulated quantization of a linear's input, in fp32: x_q = s * round(clamp(x / s, low, high)), where `low` and `high` are
 * the outermost levels less the zero point. Bits, ranges and clipping are inputs, so that one graph serves them all.
 *
 * inputs   dynamic: qmax [1]: 2^(b-1) - 1 symmetric, 2^b - 1 asymmetric; with `clips` also clip_ratio [1] and clip_limit [1];
 *          with `excludes` also outlier_above [1]
 *          static: <linear>_scale [1], <linear>_low [1] and <linear>_high [1]; for the twin linear also
 *          <linear>_negative_scale [1]
 */
export interface ActivationRounding {
  readonly range: "dynamic" | "static";
  readonly scheme: "symmetric" | "asymmetric";
  readonly granularity: "per-tensor" | "per-token";
  readonly clips: boolean;
  /** Tokens over `outlier_above` (times the lower median of the tokens' L-inf, for `ratio`) stay FP and out of the range. */
  readonly excludes: "absolute" | "ratio" | null;
  /** Linear whose input has a scale for each sign (PTQ4ViT's twin uniform quantization after GELU). */
  readonly twin: LinearName | null;
}

/** Adding and subtracting 1.5 * 2^23 rounds an fp32 number of magnitude < 2^22 half to even, without the Round
 * operator, which falls back to the CPU under WebGPU. */
const ROUNDING_MAGIC = 12582912;

/** Keeps the scale of an all-zero tensor from dividing by zero. */
const SMALLEST_SCALE = 1e-30;

/** Adds the rounding of graph value `x` [T, C], the input of `name`, and returns the rounded value. */
export function roundActivation(
  g: GraphBuilder,
  x: string,
  name: LinearName,
  range: LazyRange,
  how: ActivationRounding,
): string {
  return how.range === "static" ? roundStatic(g, x, name, how) : roundDynamic(g, x, range, how);
}

function roundStatic(g: GraphBuilder, x: string, name: LinearName, how: ActivationRounding): string {
  const scale = g.input(`${name}_scale`, [1]);
  const low = g.input(`${name}_low`, [1]);
  const high = g.input(`${name}_high`, [1]);
  if (how.twin !== name) return snap(g, x, scale, { low, high });
  const zero = g.constant([0]);
  const negative = g.input(`${name}_negative_scale`, [1]);
  return g.node("Add", [snap(g, x, scale, { low: zero, high }), snap(g, x, negative, { low, high: zero })]);
}

function roundDynamic(g: GraphBuilder, x: string, lazy: LazyRange, how: ActivationRounding): string {
  const range = lazy();
  const qmax = g.sharedInput("qmax", [1]);
  const inliers = how.excludes ? inlierMask(g, range.linf, how.excludes) : null;
  const kept = (value: string) => (inliers ? g.node("Where", [inliers, value, g.constant([0])]) : value);
  const over = (value: string, op: "ReduceMax" | "ReduceMin") => overTokens(g, kept(value), op, how);
  const grid =
    how.scheme === "symmetric"
      ? symmetricGrid(g, over(range.linf, "ReduceMax"), qmax, how)
      : asymmetricGrid(g, over(range.largest, "ReduceMax"), over(range.smallest, "ReduceMin"), qmax, how);
  const rounded = snap(g, x, grid.scale, grid.levels);
  return inliers ? g.node("Where", [inliers, rounded, x]) : rounded;
}

/** Whether dynamic ranges are narrowed by clip_ratio and clip_limit. */
export interface Clips {
  readonly clips: boolean;
}

/** Graph values of a grid: levels are the outermost ones less the zero point; null = the range bounds them already. */
export interface DynamicGrid {
  readonly scale: string;
  readonly levels: { readonly low: string; readonly high: string } | null;
}

/** s = max|x| / qmax. Without clipping the levels need no bounds: the range is the tensor's own maximum. */
export function symmetricGrid(g: GraphBuilder, linf: string, qmax: string, how: Clips): DynamicGrid {
  const range = clipped(g, linf, how);
  const scale = g.node("Max", [g.node("Div", [range, qmax]), g.constant([SMALLEST_SCALE])]);
  return { scale, levels: how.clips ? { low: g.node("Neg", [qmax]), high: qmax } : null };
}

/** s = (max - min) / qmax, z = round(-min / s), over a range that holds zero (as ONNX DynamicQuantizeLinear). */
export function asymmetricGrid(
  g: GraphBuilder,
  largest: string,
  smallest: string,
  qmax: string,
  how: Clips,
): DynamicGrid & { zeroPoint: string } {
  const zero = g.constant([0]);
  const high = clipped(g, g.node("Max", [largest, zero]), how);
  const below = g.node("Neg", [g.node("Min", [smallest, zero])]);
  const low = clipped(g, below, how); // -min
  const width = g.node("Add", [high, low]);
  const scale = g.node("Max", [g.node("Div", [width, qmax]), g.constant([SMALLEST_SCALE])]);
  const zeroPoint = round(g, g.node("Div", [low, scale]));
  const levels = { low: g.node("Neg", [zeroPoint]), high: g.node("Sub", [qmax, zeroPoint]) };
  return { scale, levels, zeroPoint };
}

/** The extreme over all tokens, [1, 1], or each token's own, [T, 1]. */
function overTokens(
  g: GraphBuilder,
  perToken: string,
  op: "ReduceMax" | "ReduceMin",
  how: ActivationRounding,
): string {
  return how.granularity === "per-token" ? perToken : g.node(op, [perToken], { axes: [0, 1], keepdims: 1 });
}

/** The range times clip_ratio, and no more than clip_limit. */
function clipped(g: GraphBuilder, range: string, how: Clips): string {
  if (!how.clips) return range;
  const narrowed = g.node("Mul", [range, g.sharedInput("clip_ratio", [1])]);
  return g.node("Min", [narrowed, g.sharedInput("clip_limit", [1])]);
}

/** Tokens that count, [T, 1]: L-inf at most outlier_above, absolute or times the lower median over the tokens. */
function inlierMask(g: GraphBuilder, linf: string, kind: "absolute" | "ratio"): string {
  const above = g.sharedInput("outlier_above", [1]);
  if (kind === "absolute") return g.node("LessOrEqual", [linf, above]);
  const all = g.node("Reshape", [linf, g.integers([-1])]);
  const half = g.node("Div", [g.node("Shape", [all]), g.integers([2])]);
  const [upper] = g.nodes("TopK", [all, g.node("Add", [half, g.integers([1])])], 2);
  const median = g.node("ReduceMin", [upper!], { axes: [0], keepdims: 1 });
  return g.node("LessOrEqual", [linf, g.node("Mul", [median, above])]);
}

/** s * round(clamp(x / s, low, high)): clamped first, since the rounding trick needs small numbers; the bounds are integers. */
export function snap(g: GraphBuilder, x: string, scale: string, levels: DynamicGrid["levels"]): string {
  const exact = g.node("Div", [x, scale]);
  const inside = levels ? g.node("Min", [g.node("Max", [exact, levels.low]), levels.high]) : exact;
  return g.node("Mul", [round(g, inside), scale]);
}

/** Nearest integer, ties to the even one, of |x| < 2^22. */
export function round(g: GraphBuilder, x: string): string {
  const up = g.node("Add", [x, g.constant(ROUNDING_MAGIC)]);
  return g.node("Sub", [up, g.constant(ROUNDING_MAGIC)]);
}
