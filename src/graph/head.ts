import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import type { HeadWeights } from "../encoder/weights.ts";
import { layerNorm, linear } from "./layers.ts";
import { attentionPool } from "./map-head.ts";
import { GraphBuilder, type OnnxModel } from "./onnx.ts";

/** Names of the outputs of {@link buildHead} for these weights. */
export function headOutputs({ projection, classifier }: HeadWeights): string[] {
  return ["feature", ...(projection ? ["pooled"] : []), ...(classifier ? ["logits"] : [])];
}

/**
 * Final LayerNorm, pooling and, where the checkpoint has them, the projection into the space shared with texts and a
 * classifier. Mean and attention pooling take the surviving tokens only.
 * inputs   x [T, D]
 * outputs  feature [1, D], or [1, E] when there is a projection, and then also pooled [1, D]; logits [1, classes]
 *          when there is a classifier
 */
export function buildHead(spec: EncoderSpec, weights: HeadWeights): OnnxModel {
  const g = new GraphBuilder("head");
  const x = g.input("x", ["T", spec.width]);
  const normed = (value: string) => layerNorm(g, value, weights.norm, spec.layerNormEps);
  const tokens = weights.normAfterPool ? x : normed(x);
  const pool = () => {
    if (weights.map) return attentionPool(g, spec, weights.map, tokens);
    return spec.pooling === "cls" ? rows(g, tokens, 0, 1) : patchMean(g, tokens, spec);
  };
  const pooled = weights.normAfterPool ? normed(pool()) : pool();
  const feature = weights.projection ? linear(g, pooled, "projection", weights.projection) : pooled;
  g.output("feature", feature, [1, weights.projection?.out ?? spec.width]);
  if (weights.projection) g.output("pooled", pooled, [1, spec.width]);
  if (weights.classifier) {
    const input = classifierInput(g, spec, weights, tokens, feature);
    g.output("logits", linear(g, input, "classifier", weights.classifier), [1, spec.classes]);
  }
  return g.build();
}

function classifierInput(
  g: GraphBuilder,
  spec: EncoderSpec,
  { classifierInput }: HeadWeights,
  tokens: string,
  feature: string,
): string {
  if (classifierInput === "feature") return feature;
  if (classifierInput === "mean") return patchMean(g, tokens, spec);
  const beside = classifierInput === "cls+mean" ? patchMean(g, tokens, spec) : rows(g, tokens, 1, 2);
  return g.node("Concat", [rows(g, tokens, 0, 1), beside], { axis: 1 });
}

/** Rows [begin, end) of x. */
function rows(g: GraphBuilder, x: string, begin: number, end: number): string {
  return g.node("Slice", [x, g.integers([begin]), g.integers([end]), g.integers([0])]);
}

/** Mean of the surviving patches, [1, D]. */
function patchMean(g: GraphBuilder, x: string, spec: EncoderSpec): string {
  const patches = rows(g, x, leadingTokens(spec), Number.MAX_SAFE_INTEGER);
  return g.node("ReduceMean", [patches], { axes: [0], keepdims: 1 });
}
