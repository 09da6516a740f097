/** What a checkpoint without config.json cannot say; null = the config's value or the family's default. */
export interface ModelOverrides {
  readonly normalisation?: "half" | "imagenet" | null;
  readonly layerNormEps?: number | null;
}
