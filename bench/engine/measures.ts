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
  readonly int8: Readonly<Record<string, readonly number[]>>;
  /** What evaluation runs: results of the lean chain, FP32 and by where int8's ranges come from, per round. */
  readonly lean: { readonly fp32: readonly number[]; readonly int8: EngineMeasures["int8"] };
  readonly blocks: number;
  /** Largest relative difference between both designs' features. */
  readonly difference: number;
}
