import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import type { EmbedWeights } from "../encoder/weights.ts";
import { layerNorm } from "./layers.ts";
import { GraphBuilder, type OnnxModel } from "./onnx.ts";

/**
 * Patch embedding: pixels -> the residual stream before block 0.
 * inputs   pixels [1, 3, size, size]
 * outputs  y [T, D]: CLS and trained registers first, then the patches row by row
 */
export function buildEmbed(spec: EncoderSpec, weights: EmbedWeights): OnnxModel {
  const g = new GraphBuilder("embed");
  const { width: D, patch, grid } = spec;
  // At sizes that are no multiple of the patch the convolution leaves the last pixels out, as the originals do.
  const side = spec.preprocess.size;
  const pixels = g.input("pixels", [1, 3, side, side]);
  const conv = [pixels, g.weights("patch_weight", [D, 3, patch, patch], weights.patchWeight)];
  if (weights.patchBias) conv.push(g.weights("patch_bias", [D], weights.patchBias));
  const map = g.node("Conv", conv, { strides: [patch, patch], kernel_shape: [patch, patch] });
  const columns = g.node("Reshape", [map, g.integers([D, grid * grid])]);
  const patches = g.node("Transpose", [columns], { perm: [1, 0] });
  let x = g.node("Add", [patches, g.weights("positions", [grid * grid, D], weights.positions)]);
  const leading = leadingTokens(spec);
  if (leading > 0) {
    x = g.node("Concat", [g.weights("leading", [leading, D], weights.leading), x], { axis: 0 });
  }
  if (weights.preNorm) x = layerNorm(g, x, weights.preNorm, spec.layerNormEps);
  g.output("y", x, [spec.tokens, D]);
  return g.build();
}
