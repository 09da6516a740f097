import { LRUCache } from "lru-cache";
import { CancelledError, InputError, throwIfCancelled } from "../errors/input-error.ts";
import type { Intervention, Quantization } from "../intervention/intervention.ts";
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

  /** Tells those who wait for a calibrated quantizer what is done for it. */
  async tell(quantize: Quantization | null, stage: string, done: number, total: number): Promise<void> {
    const set = quantize?.calibration === undefined ? null : this.#sets.get(quantize.calibration);
    await set?.onProgress?.(stage, done, total);
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
    const { signal, priority } = options;
    const passed = { ...(signal && { signal }), ...(priority && { priority }) };
    for (;;) {
      const known = this.#known.get(key);
      if (known) return known;
      const running = this.#running.get(key);
      if (!running) return this.#take(key, calibrate(engine, set, kind, intervention, passed));
      try {
        return await untilCancelled(running, signal);
      } catch (error) {
        // Another run that took them was cancelled; this one takes them itself unless it was cancelled too.
        if (!(error instanceof CancelledError) || signal?.aborted) throw error;
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

/** Waits for another run's work, but not beyond the own cancellation. @throws CancelledError on abort */
async function untilCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfCancelled(signal, "The run");
  let stop = () => {};
  const cancelled = new Promise<never>((_, reject) => {
    stop = () => reject(new CancelledError("The run"));
  });
  signal?.addEventListener("abort", stop);
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
