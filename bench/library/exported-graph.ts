import type { EncoderSpec } from "../../src/encoder/spec.ts";
import type { BlockWeights, EmbedWeights, EncoderWeights, Linear } from "../../src/encoder/weights.ts";
import { activation, layerNorm } from "../../src/graph/layers.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";

/**
 * Transformers' ViTModel in one file, as `torch.onnx.export` writes it and @huggingface/transformers reads it: linears
 * are MatMul by [In, Out] and Add, query, key and value are three of them, and there is a batch axis.
 * inputs   pixel_values [1, 3, size, size]
 * outputs  last_hidden_state [1, T, D], after the final LayerNorm
 * @throws Error for an encoder that is no plain ViT with CLS
 */
export async function exportViT(spec: EncoderSpec, weights: EncoderWeights): Promise<Uint8Array> {
  const g = new GraphBuilder("main_graph", { embedsWeights: true });
  let x = embed(g, spec, await weights.embed());
  for (let index = 0; index < spec.blocks; index++) x = block(g, spec, await weights.block(index), x);
  const { norm } = await weights.head();
  const tokens = spec.grid * spec.grid + 1;
  g.output("last_hidden_state", layerNorm(g, x, norm, spec.layerNormEps), [1, tokens, spec.width]);
  return g.build().bytes;
}

/** [1, 3, size, size] -> [1, T, D] */
function embed(g: GraphBuilder, spec: EncoderSpec, weights: EmbedWeights): string {
  const { width: D, patch, grid } = spec;
  const { size } = spec.preprocess;
  const { patchBias, leading } = weights;
  if (!patchBias || leading.length !== D)
    throw new Error("Only a ViT with CLS and a patch bias is exported.");
  const pixels = g.input("pixel_values", [1, 3, size, size]);
  const inputs = [
    pixels,
    g.weights("patch_weight", [D, 3, patch, patch], weights.patchWeight),
    g.weights("patch_bias", [D], patchBias),
  ];
  const map = g.node("Conv", inputs, { strides: [patch, patch], kernel_shape: [patch, patch] });
  const columns = g.node("Reshape", [map, g.integers([1, D, grid * grid])]);
  const patches = g.node("Transpose", [columns], { perm: [0, 2, 1] });
  // The canonical CLS row already holds its position's embedding.
  const placed = g.node("Add", [patches, g.weights("positions", [1, grid * grid, D], weights.positions)]);
  return g.node("Concat", [g.weights("cls", [1, 1, D], leading), placed], { axis: 1 });
}

/** [1, T, D] -> [1, T, D] */
function block(g: GraphBuilder, spec: EncoderSpec, weights: BlockWeights, x: string): string {
  const { width: D, heads: H, layerNormEps: eps } = spec;
  const d = D / H;
  const normed = layerNorm(g, x, weights.norm1, eps);
  const [q, k, v] = ["query", "key", "value"].map((name, i) => {
    const projected = dense(g, normed, name, rows(weights.qkv, i * D, D));
    const perHead = g.node("Reshape", [projected, g.integers([1, -1, H, d])]);
    return g.node("Transpose", [perHead], { perm: name === "key" ? [0, 2, 3, 1] : [0, 2, 1, 3] });
  }) as [string, string, string];
  const logits = g.node("Div", [g.node("MatMul", [q, k]), g.constant(Math.sqrt(d))]);
  const mixed = g.node("MatMul", [g.node("Softmax", [logits], { axis: -1 }), v]);
  const joined = g.node("Reshape", [
    g.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    g.integers([1, -1, D]),
  ]);
  const middle = g.node("Add", [dense(g, joined, "proj", weights.proj), x]);
  const hidden = dense(g, layerNorm(g, middle, weights.norm2, eps), "fc1", weights.fc1);
  return g.node("Add", [dense(g, activation(g, hidden, spec.activation), "fc2", weights.fc2), middle]);
}

/** x W + b with W [In, Out]. */
function dense(g: GraphBuilder, x: string, name: string, layer: Linear): string {
  const { in: inputs, out: outputs, weight, bias } = layer;
  const transposed = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) transposed[i * outputs + o] = weight[o * inputs + i]!;
  }
  const product = g.node("MatMul", [x, g.weights(`${name}_weight`, [inputs, outputs], transposed)]);
  return bias ? g.node("Add", [g.weights(`${name}_bias`, [outputs], bias), product]) : product;
}

/** Outputs [from, from + count) of a linear. */
function rows(layer: Linear, from: number, count: number): Linear {
  const { in: inputs, weight, bias } = layer;
  return {
    in: inputs,
    out: count,
    weight: weight.subarray(from * inputs, (from + count) * inputs),
    bias: bias?.subarray(from, from + count) ?? null,
  };
}
