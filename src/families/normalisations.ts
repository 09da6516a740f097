import type { PreprocessSpec } from "../encoder/spec.ts";

type Normalisation = Pick<PreprocessSpec, "mean" | "std">;

/** Means and deviations that encoders were trained with, of values in [0, 1]. */
export const NORMALISATIONS = {
  half: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  clip: {
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  },
} as const satisfies Record<string, Normalisation>;
