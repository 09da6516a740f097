import type { Engine, EngineInput } from "../engine/types.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import { type ImageOutcome, readable, runImages, type Unreadable } from "./run-image.ts";

/** Runs images of a set, one task at a time; a pool has several. */
export interface ImageRunner {
  /**
   * Images through all interventions, in order, so that they share the hidden states before their first difference.
   * @param images indices into the set: one, or those of a batch
   * @returns what became of each, in the same order
   * @throws CancelledError on abort; whatever the engine throws
   */
  run(
    set: LabelledSet,
    images: readonly number[],
    interventions: readonly Intervention[],
    signal?: AbortSignal,
  ): Promise<readonly ImageOutcome[]>;
}

/** A runner over an engine of this thread; it runs in the background, interactive runs go first. */
export function engineRunner(engine: Engine, prepare: (image: RgbaImage) => Float32Array): ImageRunner {
  return {
    async run(set, images, interventions, signal) {
      const inputs: (EngineInput | Unreadable)[] = [];
      for (const i of images) {
        const input = async () => ({ id: set.id(i), pixels: prepare(await set.image(i)) });
        inputs.push(await readable(input));
      }
      return runImages(engine, inputs, interventions, signal ? { signal } : {});
    },
  };
}
