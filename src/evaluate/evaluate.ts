import type { Engine } from "../engine/types.ts";
import { InputError, throwIfCancelled } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { batchOf, requireBatchable } from "../intervention/batch.ts";
import type { LabelledSet } from "./dataset.ts";
import type { Head } from "./head.ts";
import { engineRunner, type ImageRunner } from "./image-runner.ts";
import { seededOrder } from "./order.ts";
import type { Configuration, EvaluationProgress, EvaluationReport } from "./report.ts";
import { runInOrder } from "./run-in-order.ts";
import { NONE_SKIPPED, noneReadable, withSkipped } from "./skipped.ts";
import { Tally } from "./tally.ts";

export interface EvaluateOptions {
  /** Seed of the order of the images. */
  readonly seed: number;
  /** The first so many images of that order; all when absent. */
  readonly limit?: number;
  /** An earlier report of the same evaluation, after whose images this one goes on. */
  readonly resume?: EvaluationProgress | undefined;
  readonly signal?: AbortSignal;
}

export interface EvaluateEngineOptions extends EvaluateOptions {
  /** Image -> normalised pixels [3, size, size], as the encoder's preprocess says. */
  readonly prepare: (image: RgbaImage) => Float32Array;
}

/** {@link evaluateWith} on one engine of this thread. */
export function evaluate(
  engine: Engine,
  set: LabelledSet,
  configurations: readonly Configuration[],
  head: Head,
  { prepare, ...options }: EvaluateEngineOptions,
): AsyncGenerator<EvaluationReport, void> {
  return evaluateWith([engineRunner(engine, prepare)], set, configurations, head, options);
}

/**
 * Evaluates configurations on a labelled set: the same images in the same order for each. Every image goes
 * through all configurations on one runner, so that they share the hidden states of the blocks before their
 * first difference through the engine's cache. Yields a report after every image; the last one is final, and
 * the same for any number of runners, because images are counted in the seed's order. Runs in the background:
 * interactive runs go first. Unreadable images are left out, counted and named in the report.
 *
 * With ranges per batch, every B images that follow each other in the seed's order are a batch, which runs on one runner and is
 * reported as a whole; the last one may be smaller, and so is one with unreadable images.
 * @param configurations the first is the unmodified encoder (FP32), which all are compared with
 * @throws InputError when the first configuration is not FP32, the set is empty, no image can be decoded, or batches differ in
 *   size or cannot run;
 *   CancelledError on abort
 */
export async function* evaluateWith(
  runners: readonly ImageRunner[],
  set: LabelledSet,
  configurations: readonly Configuration[],
  head: Head,
  { seed, limit = set.count, resume, signal }: EvaluateOptions,
): AsyncGenerator<EvaluationReport, void> {
  requireBaseline(configurations);
  const batch = commonBatch(configurations);
  const order = seededOrder(set.count, seed).slice(0, limit);
  const subject = `Labelled set ${set.name}`;
  if (order.length === 0) {
    const expected = "at least one image that can be decoded";
    throw new InputError(subject, expected, "none", "Raise the limit or add images.");
  }

  const interventions = configurations.map(({ intervention }) => intervention);
  if (resume) requireSame(resume, { total: order.length, seed, batch, head: head.describe }, configurations);
  const tallies = configurations.map(({ name }, c) => new Tally(name, resume?.configurations[c]?.counts));
  let skipped = resume?.skipped ?? NONE_SKIPPED;
  let done = resume ? resume.n + skipped.count : 0;
  const tasks = runInOrder(
    batchesOf(order.slice(done), batch),
    runners,
    (runner, images, stop) => runner.run(set, images, interventions, stop),
    signal,
  );
  for await (const outcomes of tasks) {
    throwIfCancelled(signal, "The evaluation");
    for (const outcome of outcomes) {
      const label = set.label(order[done++]!);
      if ("unreadable" in outcome) {
        skipped = withSkipped(skipped, outcome.unreadable);
        continue;
      }
      const { runs } = outcome;
      const right = runs.map((run) => head.classify(run) === label);
      tallies.forEach((tally, c) => {
        tally.add(right[c]!, right[0]!, runs[c]!, runs[0]!);
      });
    }
    if (skipped.count === done) {
      if (done < order.length) continue;
      throw noneReadable(subject, skipped);
    }
    yield {
      n: done - skipped.count,
      total: order.length,
      skipped,
      seed,
      batch,
      dataset: set.name,
      head: head.describe,
      configurations: tallies.map((tally, c) => tally.result(c === 0)),
    };
  }
}

/** Consecutive images as batches; the last one may be smaller. */
function batchesOf(order: readonly number[], size: number): number[][] {
  const count = Math.ceil(order.length / size);
  return Array.from({ length: count }, (_, i) => order.slice(i * size, (i + 1) * size));
}

/** B of configurations with ranges per batch; 1 without. @throws InputError when they differ or cannot run in batches */
function commonBatch(configurations: readonly Configuration[]): number {
  for (const { intervention } of configurations) requireBatchable(intervention);
  const sizes = new Set(configurations.map(({ intervention }) => batchOf(intervention.quantize)));
  sizes.delete(1);
  const [batch = 1] = sizes;
  if (sizes.size < 2) return batch;
  throw new InputError("Ranges per batch", "one size of batch", [...sizes].join(" and "), "Use one.");
}

/** @throws InputError when a report is of another evaluation, complete, or does not add up */
function requireSame(
  resume: EvaluationProgress,
  now: Pick<EvaluationProgress, "total" | "seed" | "batch" | "head">,
  configurations: readonly Configuration[],
): void {
  const { n, skipped, total, seed, batch, head } = resume;
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).join(", ");
  const fits =
    total === now.total &&
    seed === now.seed &&
    batch === now.batch &&
    (n + skipped.count) % batch === 0 &&
    head === now.head &&
    n + skipped.count < total &&
    names(resume.configurations) === names(configurations) &&
    resume.configurations.every(
      ({ counts: { both, firstOnly, secondOnly, neither } }) => both + firstOnly + secondOnly + neither === n,
    );
  if (fits) return;
  throw new InputError(
    "The evaluation to continue",
    `${names(configurations)} on ${now.total} images, seed ${now.seed}, ${now.head}`,
    `${names(resume.configurations)} on ${n + skipped.count} of ${total}, seed ${seed}, ${head}`,
    "Start it again.",
  );
}

function requireBaseline(configurations: readonly Configuration[]): void {
  const first = configurations[0]?.intervention;
  if (first && !first.prefix && !first.delete && !first.quantize && !first.mask) return;
  throw new InputError(
    "Configurations",
    "the unmodified encoder (FP32) first",
    configurations[0]?.name ?? "none",
    "Put fp32 at the head of the list.",
  );
}
