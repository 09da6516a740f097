import type { Engine } from "../engine/types.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import type { LabelledFeatures } from "./probe.ts";
import { runToEnd } from "./run-image.ts";

export interface FeatureOptions {
  /** Image -> normalised pixels [3, size, size], as the encoder's preprocess says. */
  readonly prepare: (image: RgbaImage) => Float32Array;
  readonly signal?: AbortSignal;
  /** Called after every image. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Pooled features [N][D] of every image of a set, from the unmodified encoder (FP32), for fitting a probe.
 * @throws InputError when an image cannot be decoded; CancelledError on abort
 */
export async function collectFeatures(
  engine: Engine,
  set: LabelledSet,
  { prepare, signal, onProgress }: FeatureOptions,
): Promise<LabelledFeatures> {
  const features: Float32Array[] = [];
  const labels: number[] = [];
  for (let i = 0; i < set.count; i++) {
    throwIfCancelled(signal, "Fitting the probe");
    const input = { id: set.id(i), pixels: prepare(await set.image(i)) };
    features.push((await runToEnd(engine, input, NO_INTERVENTION, signal)).feature);
    labels.push(set.label(i));
    onProgress?.(i + 1, set.count);
  }
  return { features, labels, classes: set.classes.length };
}
