import type { ModelInfo } from "../worker/api.ts";

/**
 * Equal for equal results: the same weights, prepared images and epsilon. The same checkpoint opened at another input size or
 * with another normalisation measures something else.
 */
export function encoderKey({ sha256, spec }: Pick<ModelInfo, "sha256" | "spec">): string {
  return JSON.stringify([sha256, spec.preprocess, spec.layerNormEps]);
}
