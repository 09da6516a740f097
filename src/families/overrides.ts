import { InputError } from "../errors/input-error.ts";

/** What a checkpoint without config.json cannot say; null = the config's value or the family's default. */
export interface ModelOverrides {
  readonly normalisation?: "half" | "imagenet" | null;
  readonly layerNormEps?: number | null;
  /** Side of the square input, pixels: the position embedding is interpolated to it. */
  readonly inputSize?: number | null;
}

/** @throws InputError for an epsilon that is no sensible one */
export function epsilon(stated: number): number {
  if (Number.isFinite(stated) && stated > 0 && stated < 1) return stated;
  throw new InputError(
    "LayerNorm epsilon",
    "a number above 0 and below 1",
    String(stated),
    "For example 1e-6.",
  );
}
