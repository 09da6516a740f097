import type { EncoderSpec } from "./spec.ts";

/**
 * Equal for equal results: the same weights, prepared images and epsilon. The same checkpoint opened at another input size or
 * with another normalisation measures something else.
 */
export function encoderKey({ sha256, spec }: { readonly sha256: string; readonly spec: KeySpec }): string {
  return JSON.stringify([sha256, spec.preprocess, spec.layerNormEps]);
}

type KeySpec = Pick<EncoderSpec, "preprocess" | "layerNormEps">;
