import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import type { HeadWeights } from "../encoder/weights.ts";
import { layerNorm, linear } from "./layers.ts";
import { GraphBuilder, type OnnxModel } from "./onnx.ts";

/**
 * Final LayerNorm, pooling and, where the checkpoint has one, its classifier. Mean pooling takes the
 * surviving patches only.
 * inputs   x [T, D]
 * outputs  feature [1, D]; logits [1, classes] when there is a classifier
 */
export function buildHead(spec: EncoderSpec, weights: HeadWeights): OnnxModel {
  const g = new GraphBuilder("head");
  const x = g.input("x", ["T", spec.width]);
  const normed = (value: string) => layerNorm(g, value, weights.norm, spec.layerNormEps);
  const feature = weights.normAfterPool ? normed(pooled(g, x, spec)) : pooled(g, normed(x), spec);
  g.output("feature", feature, [1, spec.width]);
  if (weights.classifier) {
    g.output("logits", linear(g, feature, "classifier", weights.classifier), [1, spec.classes]);
  }
  return g.build();
}

function pooled(g: GraphBuilder, x: string, spec: EncoderSpec): string {
  const rows = (begin: number, end: number) =>
    g.node("Slice", [x, g.integers([begin]), g.integers([end]), g.integers([0])]);
  if (spec.pooling === "cls") return rows(0, 1);
  return g.node("ReduceMean", [rows(leadingTokens(spec), Number.MAX_SAFE_INTEGER)], {
    axes: [0],
    keepdims: 1,
  });
}
