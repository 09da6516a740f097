/** Milliseconds per round of one image's result without instruments: FP32, and int8 by where its ranges come from. */
export interface LeanTimes {
  readonly fp32: number[];
  readonly int8: Readonly<Record<"dynamic" | "static", number[]>>;
}

export const noTimes = (): LeanTimes => ({ fp32: [], int8: { dynamic: [], static: [] } });

/** An image's pixels [3, size, size], without a file. */
export const wavyPixels = (size: number) =>
  Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i * 0.013) * 2);

/** What the engine bench measures, in milliseconds; compared by ratios inside one run. */
export interface EngineMeasures {
  readonly rounds: number;
  /** One uninstrumented graph, per round. */
  readonly single: readonly number[];
  /** The instrumented chain of sessions, all blocks computed, per round. */
  readonly chain: readonly number[];
  /** Re-runs after a change at block b (b -> per round). */
  readonly resumed: Readonly<Record<string, readonly number[]>>;
  /** The instrumented chain in int8, by where the activations' ranges come from, per round. */
  readonly int8: LeanTimes["int8"];
  /** What evaluation runs: results of the lean chain. */
  readonly lean: LeanTimes;
  readonly blocks: number;
  /** Largest relative difference between both designs' features. */
  readonly difference: number;
}
