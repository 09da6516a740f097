import { LRUCache } from "lru-cache";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { type CalibrationImages, calibrate, statisticsKey } from "../quantize/calibrate.ts";
import { type Statistics, statisticsKind } from "../quantize/statistics.ts";
import type { Engine, RunOptions } from "./types.ts";

/** Statistics kept at a time: one for each prefix and deletion that are compared, and a few of a search. */
const KEPT = 8;

/** Calibration images by id, and their statistics, taken when a run first needs them. */
export class StatisticsStore {
  readonly #sets = new Map<string, CalibrationImages>();
  readonly #known = new LRUCache<string, Statistics>({ max: KEPT });
  readonly #running = new Map<string, Promise<Statistics>>();

  add(set: CalibrationImages): void {
    this.#sets.set(set.id, set);
  }

  /**
   * Statistics for a run; null when its quantization needs none.
   * @throws InputError when it names no images that are known; CancelledError on abort
   */
  async for(engine: Engine, intervention: Intervention, options: RunOptions): Promise<Statistics | null> {
    const { quantize } = intervention;
    const kind = quantize && statisticsKind(quantize);
    if (!quantize || !kind) return null;
    const set = this.#named(quantize.calibration);
    const key = statisticsKey(set.id, kind, intervention);
    for (;;) {
      const known = this.#known.get(key);
      if (known) return known;
      const running = this.#running.get(key);
      if (!running) return this.#take(key, calibrate(engine, set, kind, intervention, passedOn(options)));
      try {
        return await running;
      } catch (error) {
        // Another run that took them was cancelled; this one takes them itself unless it was cancelled too.
        if (!(error instanceof CancelledError) || options.signal?.aborted) throw error;
      }
    }
  }

  async #take(key: string, running: Promise<Statistics>): Promise<Statistics> {
    this.#running.set(key, running);
    try {
      const statistics = await running;
      this.#known.set(key, statistics);
      return statistics;
    } finally {
      this.#running.delete(key);
    }
  }

  #named(id: string | undefined): CalibrationImages {
    const found = id === undefined ? undefined : this.#sets.get(id);
    if (found) return found;
    throw new InputError(
      "Quantization",
      `calibration images (${[...this.#sets.keys()].join(", ") || "none are given"})`,
      id ?? "none",
      "Give images to calibrate on, or choose a dynamic range.",
    );
  }
}

function passedOn({ signal, priority, onCalibrating }: RunOptions) {
  return {
    ...(signal && { signal }),
    ...(priority && { priority }),
    ...(onCalibrating && { onProgress: onCalibrating }),
  };
}
