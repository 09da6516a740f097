import type { LabelledSet } from "../evaluate/dataset.ts";
import type { Head } from "../evaluate/head.ts";
import { engineRunner } from "../evaluate/image-runner.ts";
import { fitsPool, taskCount } from "../evaluate/pool-runner.ts";
import { rememberedEvaluation } from "../evaluate/remembered-evaluation.ts";
import type { Configuration, EvaluationReport } from "../evaluate/report.ts";
import { type ExperimentMemory, NO_MEMORY } from "../regcache/experiment-memory.ts";
import type { Registers } from "../regcache/registers.ts";
import type { ModelFlags, OpenModel } from "./open-model.ts";
import { createProgress } from "./output.ts";
import { jobsFor, openPool } from "./pool.ts";
import { preparer } from "./preparer.ts";

export interface EvaluateSetFlags {
  /** Images to evaluate: the first so many of the seed's order. */
  readonly limit?: number;
  readonly seed: number;
  /** Engines that work side by side; chosen by cores, memory and work when absent. */
  readonly jobs?: number;
}

/**
 * Evaluates configurations on a labelled set, over a pool of engines where that pays, showing progress.
 * @param registers those that the configurations name, for the pool's engines
 * @param options.memory where it goes on from when it was interrupted
 * @returns the last report
 * @throws InputError for anything that does not fit; CancelledError on abort
 */
export async function evaluateSet(
  { engine, reopen }: OpenModel,
  set: LabelledSet,
  configurations: readonly Configuration[],
  head: Head,
  flags: EvaluateSetFlags & ModelFlags,
  registers: readonly Registers[],
  {
    signal,
    memory = NO_MEMORY,
  }: { readonly signal?: AbortSignal | undefined; readonly memory?: ExperimentMemory },
): Promise<EvaluationReport> {
  const { spec } = engine;
  const { seed, limit = set.count } = flags;
  const interventions = configurations.map(({ intervention }) => intervention);
  const images = Math.min(limit, set.count);
  const jobs = interventions.every(fitsPool)
    ? Math.min(jobsFor(flags, spec, images * configurations.length), taskCount(images, interventions))
    : 1;
  const pool = jobs > 1 ? await openPool({ ...flags, ...reopen }, registers, jobs) : null;
  const progress = createProgress();
  let last: EvaluationReport | undefined;
  try {
    const runners = pool?.runners ?? [engineRunner(engine, preparer(spec))];
    const options = { seed, limit, ...(signal && { signal }) };
    for await (last of rememberedEvaluation(memory, runners, set, configurations, head, options)) {
      progress("Evaluating", last.n, last.total);
    }
  } finally {
    await pool?.close();
  }
  return last!;
}
