import { type EncoderSpec, fc1Width } from "../encoder/spec.ts";
import type { BlockWeights, Linear, LinearName, Norm } from "../encoder/weights.ts";
import { activationBackward } from "./layers.ts";
import { GraphBuilder, type OnnxModel } from "./onnx.ts";

/** Output that hands out the loss's gradient at a linear's output. */
export const linearGradient = (name: LinearName): string => `${name}_gradient`;

/**
 * The backward pass of an FP block (graph/block.ts), written out: from the gradient of a loss at the block's output to those at its
 * input and at the outputs of its four linears. The forward pass is computed again inside, so no activations are kept.
 *
 * inputs   x [T, D]; dy [T, D]; prefix_key [H, d, R]; prefix_value [H, R, d]; prefix_bias [R]
 * outputs  dx [T, D]; qkv_gradient [T, 3D]; proj_gradient [T, D]; fc1_gradient [T, fc1Width]; fc2_gradient [T, D]
 */
export function buildBlockGradient(spec: EncoderSpec, weights: BlockWeights): OnnxModel {
  const g = new GraphBuilder("block_gradient");
  const { width: D, heads: H, layerNormEps: eps } = spec;
  const d = D / H;
  const x = g.input("x", ["T", D]);
  const dy = g.input("dy", ["T", D]);
  const slotKey = g.input("prefix_key", [H, d, "R"]);
  const slotValue = g.input("prefix_value", [H, "R", d]);
  const bias = g.input("prefix_bias", ["R"]);
  const perHead = (value: string) =>
    g.node("Transpose", [g.node("Reshape", [value, g.integers([-1, H, d])])], { perm: [1, 0, 2] });
  const merged = (value: string) =>
    g.node("Reshape", [g.node("Transpose", [value], { perm: [1, 0, 2] }), g.integers([-1, D])]);
  const swapped = (value: string) => g.node("Transpose", [value], { perm: [0, 2, 1] });
  const [qkv, proj, fc1, fc2] = (["qkv", "proj", "fc1", "fc2"] as const).map((name) =>
    linearPair(g, name, weights[name]),
  ) as [LinearPair, LinearPair, LinearPair, LinearPair];

  // Forward
  const norm1 = normPair(g, x, weights.norm1, eps);
  const [q, k, v] = g.nodes("Split", [qkv.forward(norm1.y)], 3, { axis: 1 }) as [string, string, string];
  const share = g.constant(1 / Math.sqrt(d));
  const query = g.node("Mul", [perHead(q), share]); // [H, T, d]
  const keys = g.node("Concat", [swapped(slotKey), perHead(k)], { axis: 1 }); // [H, R + T, d]
  const values = g.node("Concat", [slotValue, perHead(v)], { axis: 1 });
  const slotLogits = g.node("Add", [g.node("MatMul", [query, slotKey]), bias]);
  const tokenLogits = g.node("MatMul", [query, swapped(perHead(k))]);
  const map = g.node("Softmax", [g.node("Concat", [slotLogits, tokenLogits], { axis: 2 })], { axis: -1 });
  const attended = scaled(g, proj.forward(merged(g.node("MatMul", [map, values]))), weights.scale1);
  const norm2 = normPair(g, g.node("Add", [x, attended]), weights.norm2, eps);
  const hidden = fc1.forward(norm2.y);

  // Backward through the MLP
  const dFc2 = g.node("Identity", [scaled(g, dy, weights.scale2)]);
  const dFc1 = activationBackward(g, hidden, fc2.backward(dFc2), spec.activation);
  const dMiddle = g.node("Add", [dy, norm2.backward(fc1.backward(dFc1))]);

  // Backward through attention
  const dProj = g.node("Identity", [scaled(g, dMiddle, weights.scale1)]);
  const dMixed = perHead(proj.backward(dProj)); // [H, T, d]
  const dMap = g.node("MatMul", [dMixed, swapped(values)]); // [H, T, R + T]
  const mean = g.node("ReduceSum", [g.node("Mul", [dMap, map]), g.integers([-1])], { keepdims: 1 });
  const dLogits = g.node("Mul", [map, g.node("Sub", [dMap, mean])]);
  const slots = g.node("Shape", [bias]);
  const ofTokens = (value: string) =>
    g.node("Slice", [value, slots, g.integers([Number.MAX_SAFE_INTEGER]), g.integers([1])]);
  const dQuery = g.node("Mul", [g.node("MatMul", [dLogits, keys]), share]);
  const dKeys = ofTokens(g.node("MatMul", [swapped(dLogits), query]));
  const dValues = ofTokens(g.node("MatMul", [swapped(map), dMixed]));
  const dQkv = g.node("Concat", [merged(dQuery), merged(dKeys), merged(dValues)], { axis: 1 });
  const dx = g.node("Add", [dMiddle, norm1.backward(qkv.backward(dQkv))]);

  g.output("dx", dx, ["T", D]);
  g.output(linearGradient("qkv"), dQkv, ["T", 3 * D]);
  g.output(linearGradient("proj"), dProj, ["T", D]);
  g.output(linearGradient("fc1"), dFc1, ["T", fc1Width(spec)]);
  g.output(linearGradient("fc2"), dFc2, ["T", D]);
  return g.build();
}

/** A linear both ways, with its weight declared once. */
interface LinearPair {
  /** [T, in] -> [T, out] */
  forward(x: string): string;
  /** [T, out] -> [T, in] */
  backward(dy: string): string;
}

function linearPair(g: GraphBuilder, name: string, layer: Linear): LinearPair {
  const weight = g.weights(`${name}_weight`, [layer.out, layer.in], layer.weight);
  const bias = layer.bias ? [g.weights(`${name}_bias`, [layer.out], layer.bias)] : [];
  return {
    forward: (x) => g.node("Gemm", [x, weight, ...bias], { transB: 1 }),
    backward: (dy) => g.node("MatMul", [dy, weight]),
  };
}

/** LayerNorm and its backward pass: dx = (h - mean(h) - n mean(h n)) / sigma, with n the normalised x and h = dy gamma. */
function normPair(g: GraphBuilder, x: string, { weight, bias }: Norm, eps: number) {
  const mean = (value: string) => g.node("ReduceMean", [value], { axes: [1], keepdims: 1 });
  const gamma = g.weights("norm_weight", [weight.length], weight);
  const beta = g.weights("norm_bias", [bias.length], bias);
  const centred = g.node("Sub", [x, mean(x)]);
  const variance = mean(g.node("Mul", [centred, centred]));
  const sigma = g.node("Sqrt", [g.node("Add", [variance, g.constant([eps])])]);
  const normal = g.node("Div", [centred, sigma]);
  return {
    y: g.node("Add", [g.node("Mul", [normal, gamma]), beta]),
    backward(dy: string): string {
      const h = g.node("Mul", [dy, gamma]);
      const along = g.node("Mul", [normal, mean(g.node("Mul", [h, normal]))]);
      return g.node("Div", [g.node("Sub", [g.node("Sub", [h, mean(h)]), along]), sigma]);
    },
  };
}

/** LayerScale where the encoder has it; its backward pass is the same. */
function scaled(g: GraphBuilder, x: string, scale: Float32Array | null): string {
  return scale ? g.node("Mul", [x, g.weights("layer_scale", [scale.length], scale)]) : x;
}
