import type { EncoderSpec } from "../encoder/spec.ts";
import type { Linear, MapWeights } from "../encoder/weights.ts";
import { activation, layerNorm, linear } from "./layers.ts";
import type { GraphBuilder } from "./onnx.ts";

/**
 * SigLIP's attention pooling (transformers `SiglipMultiheadAttentionPoolingHead`, timm `AttentionPoolLatent`): one
 * learned query attends to all tokens, a = W_o attention(q, K, V), and the feature is a + MLP(LN(a)). The query does
 * not depend on the image, so it enters as a constant.
 * @param x tokens after the final LayerNorm, [T, D]
 * @returns [1, D]
 */
export function attentionPool(g: GraphBuilder, spec: EncoderSpec, weights: MapWeights, x: string): string {
  const { width: D, heads: H } = spec;
  const d = D / H;
  const query = g.weights("map_query", [H, 1, d], projectedProbe(weights, D, 1 / Math.sqrt(d)));
  const [k, v] = g.nodes("Split", [linear(g, x, "map_kv", keyValueRows(weights.qkv, D))], 2, {
    axis: 1,
  }) as [string, string]; // each [T, D]
  const perHead = (value: string, perm: number[]) =>
    g.node("Transpose", [g.node("Reshape", [value, g.integers([-1, H, d])])], { perm });
  const logits = g.node("MatMul", [query, perHead(k, [1, 2, 0])]); // [H, 1, T]
  const mixed = g.node("MatMul", [g.node("Softmax", [logits], { axis: -1 }), perHead(v, [1, 0, 2])]); // [H, 1, d]
  const attended = linear(g, g.node("Reshape", [mixed, g.integers([1, D])]), "map_proj", weights.proj);
  const normed = layerNorm(g, attended, weights.norm, spec.layerNormEps);
  const hidden = activation(g, linear(g, normed, "map_fc1", weights.fc1), spec.activation);
  return g.node("Add", [attended, linear(g, hidden, "map_fc2", weights.fc2)]);
}

/** (W_q probe + b_q) * scale, [D]. */
function projectedProbe({ probe, qkv }: MapWeights, D: number, scale: number): Float32Array {
  return Float32Array.from({ length: D }, (_, row) => {
    let sum = qkv.bias?.[row] ?? 0;
    for (let c = 0; c < D; c++) sum += qkv.weight[row * D + c]! * probe[c]!;
    return sum * scale;
  });
}

/** The key and value rows of a stacked linear: [2D, D]. */
function keyValueRows(qkv: Linear, D: number): Linear {
  const bias = qkv.bias?.subarray(D) ?? null;
  return { weight: qkv.weight.subarray(D * D), bias, out: 2 * D, in: D };
}
