import type { Elementwise, EncoderSpec } from "../encoder/spec.ts";
import type { Linear, Norm } from "../encoder/weights.ts";
import type { GraphBuilder } from "./onnx.ts";

/** Layers that embed, block and head share. Values are names in the graph; [T, D] is tokens x channels. */

/** LayerNorm over the last axis. */
export function layerNorm(g: GraphBuilder, x: string, norm: Norm, eps: number): string {
  const width = norm.weight.length;
  const scale = g.weights("norm_weight", [width], norm.weight);
  const shift = g.weights("norm_bias", [width], norm.bias);
  return g.node("LayerNormalization", [x, scale, shift], { axis: -1, epsilon: { float: eps } });
}

/** x W^T + b for x [T, in]; `transB` lets the weight stay [out, in] as the checkpoint stores it. */
export function linear(g: GraphBuilder, x: string, name: string, layer: Linear): string {
  const inputs = [x, g.weights(`${name}_weight`, [layer.out, layer.in], layer.weight)];
  if (layer.bias) inputs.push(g.weights(`${name}_bias`, [layer.out], layer.bias));
  return g.node("Gemm", inputs, { transB: 1 });
}

/** The MLP's non-linearity: fc1's output [T, C] -> fc2's input, [T, C] or with SwiGLU [T, C / 2]. ORT fuses the erf form
 * into one Gelu kernel. */
export function activation(g: GraphBuilder, x: string, kind: EncoderSpec["activation"]): string {
  if (kind === "swiglu") {
    const [gate, value] = gateAndValue(g, x);
    return g.node("Mul", [swish(g, gate, 1), value]);
  }
  if (kind === "quick_gelu") return swish(g, x, 1.702);
  const inner =
    kind === "gelu"
      ? g.node("Erf", [g.node("Div", [x, g.constant(Math.SQRT2)])])
      : g.node("Tanh", [tanhArgument(g, x)]);
  const gated = g.node("Mul", [x, g.node("Add", [inner, g.constant(1)])]);
  return g.node("Mul", [gated, g.constant(0.5)]);
}

/** Halves of fc1's output with SwiGLU, in the order of the checkpoints: [T, 2 M] -> [T, M] each. */
function gateAndValue(g: GraphBuilder, x: string): [gate: string, value: string] {
  return g.nodes("Split", [x], 2, { axis: 1 }) as [string, string];
}

/** x sigmoid(beta x): SiLU with beta 1, QuickGELU with 1.702. */
function swish(g: GraphBuilder, x: string, beta: number): string {
  return g.node("Mul", [x, g.node("Sigmoid", [beta === 1 ? x : g.node("Mul", [x, g.constant(beta)])])]);
}

function swishSlope(g: GraphBuilder, x: string, beta: number): string {
  const one = g.constant(1);
  const steep = g.node("Mul", [x, g.constant(beta)]);
  const gate = g.node("Sigmoid", [steep]);
  const rest = g.node("Mul", [steep, g.node("Sub", [one, gate])]);
  return g.node("Mul", [gate, g.node("Add", [one, rest])]);
}

/** Backward pass of {@link activation}: from the gradient `dy` at its output to that at its input `x`. */
export function activationBackward(
  g: GraphBuilder,
  x: string,
  dy: string,
  kind: EncoderSpec["activation"],
): string {
  if (kind !== "swiglu") return g.node("Mul", [dy, activationSlope(g, x, kind)]);
  const [gate, value] = gateAndValue(g, x);
  const dGate = g.node("Mul", [g.node("Mul", [dy, value]), swishSlope(g, gate, 1)]);
  return g.node("Concat", [dGate, g.node("Mul", [dy, swish(g, gate, 1)])], { axis: 1 });
}

/** Derivative of an elementwise {@link activation}. */
export function activationSlope(g: GraphBuilder, x: string, kind: Elementwise): string {
  const one = g.constant(1);
  if (kind === "quick_gelu") return swishSlope(g, x, 1.702);
  const square = g.node("Mul", [x, x]);
  if (kind === "gelu") {
    const inner = g.node("Erf", [g.node("Div", [x, g.constant(Math.SQRT2)])]);
    const cdf = g.node("Mul", [g.node("Add", [inner, one]), g.constant(0.5)]);
    const density = g.node("Exp", [g.node("Mul", [square, g.constant(-0.5)])]);
    const slope = g.node("Mul", [x, g.node("Mul", [density, g.constant(1 / Math.sqrt(2 * Math.PI))])]);
    return g.node("Add", [cdf, slope]);
  }
  const tanh = g.node("Tanh", [tanhArgument(g, x)]);
  const inner = g.node("Add", [one, g.node("Mul", [square, g.constant(3 * 0.044715)])]);
  const rise = g.node("Mul", [inner, g.constant(Math.sqrt(2 / Math.PI))]);
  const bend = g.node("Mul", [g.node("Sub", [one, g.node("Mul", [tanh, tanh])]), rise]);
  const twice = g.node("Add", [g.node("Add", [one, tanh]), g.node("Mul", [x, bend])]);
  return g.node("Mul", [twice, g.constant(0.5)]);
}

/** sqrt(2/pi) (x + 0.044715 x^3), the argument of the tanh form of GELU (Hendrycks and Gimpel 1606.08415). */
function tanhArgument(g: GraphBuilder, x: string): string {
  const cube = g.node("Mul", [g.node("Mul", [x, x]), x]);
  const sum = g.node("Add", [x, g.node("Mul", [cube, g.constant(0.044715)])]);
  return g.node("Mul", [sum, g.constant(Math.sqrt(2 / Math.PI))]);
}

/** Extremes and L-inf of a linear's input: of every token, [T, 1] each, or of the whole tensor, [1, 1] each. */
export interface InputRange {
  readonly largest: string;
  readonly smallest: string;
  readonly linf: string;
}

/** Adds the nodes of a {@link InputRange} when it is first asked for: an unread one would still be computed. */
export type LazyRange = () => InputRange;

/** Per-token range: [T, C] -> [T, 1]. L-inf from both extremes, because |x| of a wide tensor costs a pass of its own. */
export function tokenRange(g: GraphBuilder, x: string): LazyRange {
  return lazyRange(g, x, [1]);
}

/** Range of all of x at once: [T, C] -> [1, 1]; exactly the extremes of {@link tokenRange} over the tokens. */
export function tensorRange(g: GraphBuilder, x: string): LazyRange {
  return lazyRange(g, x, [0, 1]);
}

function lazyRange(g: GraphBuilder, x: string, axes: readonly number[]): LazyRange {
  let range: InputRange | null = null;
  return () => {
    if (range) return range;
    const largest = g.node("ReduceMax", [x], { axes, keepdims: 1 });
    const smallest = g.node("ReduceMin", [x], { axes, keepdims: 1 });
    range = { largest, smallest, linf: g.node("Max", [largest, g.node("Neg", [smallest])]) };
    return range;
  };
}
