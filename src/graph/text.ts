import type { TextHeadWeights, TextSpec } from "../encoder/text.ts";
import type { BlockWeights } from "../encoder/weights.ts";
import { activation, layerNorm, linear } from "./layers.ts";
import { GraphBuilder, type OnnxModel } from "./onnx.ts";

type BlockShape = Pick<TextSpec, "width" | "heads" | "activation" | "layerNormEps" | "causal">;

/**
 * One pre-LN transformer block over a batch of texts, without instruments: texts are only a means to class embeddings.
 * inputs   x [N, T, D]; mask [T, T], added to the attention logits, when the tower is causal
 * outputs  y [N, T, D]
 */
export function buildTextBlock(spec: BlockShape, weights: BlockWeights): OnnxModel {
  const g = new GraphBuilder("text_block");
  const { width: D } = spec;
  const x = g.input("x", ["N", "T", D]);
  const mask = spec.causal ? g.input("mask", ["T", "T"]) : null;
  const shape = g.node("Shape", [x]);
  const batched = (rows: string) => g.node("Reshape", [rows, shape]); // [N T, D] -> [N, T, D]
  // Gemm takes matrices, so linears see all tokens of all texts as rows.
  const rows = (value: string) => g.node("Reshape", [value, g.integers([-1, D])]);

  const normed = rows(layerNorm(g, x, weights.norm1, spec.layerNormEps));
  const qkv = linear(g, normed, "qkv", weights.qkv);
  const [q, k, v] = g.nodes("Split", [qkv], 3, { axis: 1 }).map(batched) as [string, string, string];
  const mixed = rows(attend(g, spec, q, k, v, mask));
  const middle = g.node("Add", [x, batched(linear(g, mixed, "proj", weights.proj))]);

  const hidden = linear(g, rows(layerNorm(g, middle, weights.norm2, spec.layerNormEps)), "fc1", weights.fc1);
  const mlp = linear(g, activation(g, hidden, spec.activation), "fc2", weights.fc2);
  g.output("y", g.node("Add", [middle, batched(mlp)]), ["N", "T", D]);
  return g.build();
}

/** Multi-head attention of [N, T, D] queries, keys and values. */
function attend(
  g: GraphBuilder,
  { width: D, heads: H }: BlockShape,
  q: string,
  k: string,
  v: string,
  mask: string | null,
): string {
  const d = D / H;
  // 0 keeps a dimension of the input.
  const perHead = (value: string, perm: number[]) =>
    g.node("Transpose", [g.node("Reshape", [value, g.integers([0, 0, H, d])])], { perm });
  const query = g.node("Mul", [perHead(q, [0, 2, 1, 3]), g.constant(1 / Math.sqrt(d))]); // [N, H, T, d]
  const logits = g.node("MatMul", [query, perHead(k, [0, 2, 3, 1])]); // [N, H, T, T]
  const masked = mask ? g.node("Add", [logits, mask]) : logits;
  const weights = g.node("Softmax", [masked], { axis: -1 });
  const heads = g.node("MatMul", [weights, perHead(v, [0, 2, 1, 3])]); // [N, H, T, d]
  const merged = g.node("Transpose", [heads], { perm: [0, 2, 1, 3] });
  return g.node("Reshape", [merged, g.integers([0, 0, D])]);
}

/**
 * Final LayerNorm and projection of the pooled tokens. LayerNorm looks at one token alone, so pooling may come first.
 * inputs   x [N, D]
 * outputs  embedding [N, E]
 */
export function buildTextHead(
  spec: Pick<TextSpec, "width" | "embedding" | "layerNormEps">,
  weights: TextHeadWeights,
): OnnxModel {
  const g = new GraphBuilder("text_head");
  const x = g.input("x", ["N", spec.width]);
  const normed = layerNorm(g, x, weights.norm, spec.layerNormEps);
  const out = weights.projection ? linear(g, normed, "projection", weights.projection) : normed;
  g.output("embedding", out, ["N", spec.embedding]);
  return g.build();
}
