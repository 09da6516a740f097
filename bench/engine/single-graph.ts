import type { EncoderSpec } from "../../src/encoder/spec.ts";
import type { BlockWeights, EmbedWeights, EncoderWeights } from "../../src/encoder/weights.ts";
import { activation, layerNorm, linear } from "../../src/graph/layers.ts";
import { GraphBuilder, type OnnxModel } from "../../src/graph/onnx.ts";

/**
 * The yardstick: the same encoder as one ordinary ONNX graph, as an exporter would write it. No prefix slot, no
 * instruments, fixed token count, weights as external data.
 * inputs   pixels [1, 3, size, size]
 * outputs  feature [1, D]
 */
export async function buildSingleGraph(spec: EncoderSpec, weights: EncoderWeights): Promise<OnnxModel> {
  const g = new GraphBuilder("encoder");
  let x = embed(g, spec, await weights.embed());
  for (let index = 0; index < spec.blocks; index++) x = block(g, spec, await weights.block(index), x);
  const head = await weights.head();
  const normed = layerNorm(g, x, head.norm, spec.layerNormEps);
  const cls = g.node("Slice", [normed, g.integers([0]), g.integers([1]), g.integers([0])]);
  g.output("feature", cls, [1, spec.width]);
  return g.build();
}

function embed(g: GraphBuilder, spec: EncoderSpec, weights: EmbedWeights): string {
  const { width: D, patch, grid } = spec;
  const { size } = spec.preprocess;
  const pixels = g.input("pixels", [1, 3, size, size]);
  const inputs = [pixels, g.weights("patch_weight", [D, 3, patch, patch], weights.patchWeight)];
  if (weights.patchBias) inputs.push(g.weights("patch_bias", [D], weights.patchBias));
  const map = g.node("Conv", inputs, { strides: [patch, patch], kernel_shape: [patch, patch] });
  const columns = g.node("Reshape", [map, g.integers([D, grid * grid])]);
  const patches = g.node("Transpose", [columns], { perm: [1, 0] });
  const placed = g.node("Add", [patches, g.weights("positions", [grid * grid, D], weights.positions)]);
  return g.node("Concat", [g.weights("leading", [1, D], weights.leading), placed], { axis: 0 });
}

function block(g: GraphBuilder, spec: EncoderSpec, weights: BlockWeights, x: string): string {
  const { width: D, heads: H, layerNormEps: eps } = spec;
  const d = D / H;
  const qkv = linear(g, layerNorm(g, x, weights.norm1, eps), "qkv", weights.qkv);
  const parts = g.nodes("Split", [qkv], 3, { axis: 1 });
  const [q, k, v] = parts.map((part, i) =>
    g.node("Transpose", [g.node("Reshape", [part, g.integers([-1, H, d])])], {
      perm: i === 1 ? [1, 2, 0] : [1, 0, 2],
    }),
  ) as [string, string, string];
  const logits = g.node("MatMul", [g.node("Mul", [q, g.constant(1 / Math.sqrt(d))]), k]);
  const mixed = g.node("MatMul", [g.node("Softmax", [logits], { axis: -1 }), v]);
  const joined = g.node("Reshape", [g.node("Transpose", [mixed], { perm: [1, 0, 2] }), g.integers([-1, D])]);
  const middle = g.node("Add", [x, linear(g, joined, "proj", weights.proj)]);
  const hidden = linear(g, layerNorm(g, middle, weights.norm2, eps), "fc1", weights.fc1);
  return g.node("Add", [middle, linear(g, activation(g, hidden, spec.activation), "fc2", weights.fc2)]);
}
