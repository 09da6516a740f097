import type { Engine } from "../engine/types.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import { engineRunner, type ImageRunner } from "./image-runner.ts";
import type { LabelledFeatures } from "./probe.ts";
import { runInOrder } from "./run-in-order.ts";
import { NONE_SKIPPED, withSkipped } from "./skipped.ts";

export interface FeatureOptions {
  readonly signal?: AbortSignal;
  /** Called after every image. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface EngineFeatureOptions extends FeatureOptions {
  /** Image -> normalised pixels [3, size, size], as the encoder's preprocess says. */
  readonly prepare: (image: RgbaImage) => Float32Array;
}

/** {@link collectFeaturesWith} on one engine of this thread. */
export function collectFeatures(
  engine: Engine,
  set: LabelledSet,
  { prepare, ...options }: EngineFeatureOptions,
): Promise<LabelledFeatures> {
  return collectFeaturesWith([engineRunner(engine, prepare)], set, options);
}

/**
 * Pooled features [N][D] of every image of a set, in its order, from the unmodified encoder (FP32), for fitting a
 * probe. Unreadable images are left out and counted.
 * @throws CancelledError on abort; whatever the engine throws
 */
export async function collectFeaturesWith(
  runners: readonly ImageRunner[],
  set: LabelledSet,
  { signal, onProgress }: FeatureOptions,
): Promise<LabelledFeatures> {
  const features: Float32Array[] = [];
  const labels: number[] = [];
  let skipped = NONE_SKIPPED;
  let done = 0;
  const all = Array.from({ length: set.count }, (_, i) => i);
  const outcomes = runInOrder(
    all,
    runners,
    (runner, i, stop) => runner.run(set, [i], [NO_INTERVENTION], stop),
    signal,
  );
  for await (const [outcome] of outcomes) {
    if (outcome && "runs" in outcome) {
      features.push(outcome.runs[0]!.feature);
      labels.push(set.label(done));
    } else if (outcome) {
      skipped = withSkipped(skipped, outcome.unreadable);
    }
    done++;
    onProgress?.(done, set.count);
  }
  return { features, labels, classes: set.classes.length, names: set.classes, skipped };
}
