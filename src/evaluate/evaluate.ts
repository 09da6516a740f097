import type { Engine } from "../engine/types.ts";
import { InputError, throwIfCancelled } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import type { LabelledSet } from "./dataset.ts";
import type { Head } from "./head.ts";
import { seededOrder } from "./order.ts";
import type { Configuration, EvaluationReport } from "./report.ts";
import { runToEnd } from "./run-image.ts";
import { Tally } from "./tally.ts";

export interface EvaluateOptions {
  /** Image -> normalised pixels [3, size, size], as the encoder's preprocess says. */
  readonly prepare: (image: RgbaImage) => Float32Array;
  /** Seed of the order of the images. */
  readonly seed: number;
  /** The first so many images of that order; all when absent. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/**
 * Evaluates configurations on a labelled set: the same images in the same order for each. Every image goes
 * through all configurations before the next one starts, so that they share the hidden states of the
 * blocks before their first difference through the engine's cache. Yields a report after every image; the
 * last one is final. Runs in the background: interactive runs go first.
 * @param configurations the first is the unmodified encoder (FP32), which all are compared with
 * @throws InputError when the first configuration is not FP32, the set is empty or an image cannot be
 *   decoded; CancelledError on abort
 */
export async function* evaluate(
  engine: Engine,
  set: LabelledSet,
  configurations: readonly Configuration[],
  head: Head,
  { prepare, seed, limit = set.count, signal }: EvaluateOptions,
): AsyncGenerator<EvaluationReport, void> {
  requireBaseline(configurations);
  const order = seededOrder(set.count, seed).slice(0, limit);
  if (order.length === 0) {
    throw new InputError(
      `Labelled set ${set.name}`,
      "at least one image",
      "none",
      "Raise the limit or add images.",
    );
  }

  const tallies = configurations.map(({ name }) => new Tally(name));
  for (const [done, i] of order.entries()) {
    throwIfCancelled(signal, "The evaluation");
    const input = { id: set.id(i), pixels: prepare(await set.image(i)) };
    const label = set.label(i);

    const runs: RunResult[] = [];
    for (const { intervention } of configurations) {
      runs.push(await runToEnd(engine, input, intervention, signal));
    }
    const right = runs.map((run) => head.classify(run) === label);
    tallies.forEach((tally, c) => {
      tally.add(right[c]!, right[0]!, runs[c]!, runs[0]!);
    });

    yield {
      n: done + 1,
      total: order.length,
      seed,
      dataset: set.name,
      head: head.describe,
      configurations: tallies.map((tally, c) => tally.result(c === 0)),
    };
  }
}

function requireBaseline(configurations: readonly Configuration[]): void {
  const first = configurations[0]?.intervention;
  if (first && !first.prefix && !first.delete && !first.quantize) return;
  throw new InputError(
    "Configurations",
    "the unmodified encoder (FP32) first",
    configurations[0]?.name ?? "none",
    "Put fp32 at the head of the list.",
  );
}
