import type { Engine } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import type { LabelledSet } from "./dataset.ts";
import { runToEnd } from "./run-image.ts";

/** What became of one image: a result per intervention, or why its file could not be read. */
export type ImageOutcome = { readonly runs: readonly RunResult[] } | { readonly unreadable: string };

/** Runs single images of a set, one at a time; a pool has several. */
export interface ImageRunner {
  /**
   * Image `i` through all interventions, in order, so that they share the hidden states before their first
   * difference.
   * @throws CancelledError on abort; whatever the engine throws
   */
  run(
    set: LabelledSet,
    i: number,
    interventions: readonly Intervention[],
    signal?: AbortSignal,
  ): Promise<ImageOutcome>;
}

/** A runner over an engine of this thread; it runs in the background, interactive runs go first. */
export function engineRunner(engine: Engine, prepare: (image: RgbaImage) => Float32Array): ImageRunner {
  return {
    async run(set, i, interventions, signal) {
      let pixels: Float32Array;
      try {
        pixels = prepare(await set.image(i));
      } catch (error) {
        if (error instanceof InputError) return { unreadable: error.message };
        throw error;
      }
      const runs: RunResult[] = [];
      for (const intervention of interventions) {
        runs.push(await runToEnd(engine, { id: set.id(i), pixels }, intervention, signal));
      }
      return { runs };
    },
  };
}
