import { digestOf } from "../checkpoint/digest.ts";
import { requireSameClasses } from "../evaluate/classes.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { collectFeatures } from "../evaluate/features.ts";
import { fitProbe, type ProbeChoice } from "../evaluate/fit-probe.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import { openLabelledSet } from "./labelled-set.ts";
import type { OpenModel } from "./open-model.ts";
import { createProgress } from "./output.ts";
import { preparer } from "./preparer.ts";
import { type ClassFlags, openZeroShotHead } from "./zero-shot.ts";

/** Ways to read a label off a run. */
export const PROBES = ["ncm", "ridge", "knn", "own", "zero-shot"] as const;
export type Probe = (typeof PROBES)[number];

/** Whether a head is fitted on images. */
export function isFitted(probe: Probe): boolean {
  return probe !== "own" && probe !== "zero-shot";
}

/** How a head is chosen on the command line. */
export interface HeadFlags extends ClassFlags {
  readonly probe: Probe;
  /** Penalty of the ridge probe; chosen by leave-one-out when absent. */
  readonly lambda?: number;
  /** k of the k-NN probe; DINO's 20 when absent. */
  readonly neighbours?: number;
}

/**
 * The checkpoint's own head, a zero-shot head of its text tower, or a probe fitted on `train`.
 * @param train null where nothing is fitted ({@link isFitted})
 * @throws InputError when the head's classes are not the set's, or text tower or tokenizer are missing;
 *   CancelledError on abort
 */
export async function openHead(
  model: OpenModel,
  set: LabelledSet,
  train: LabelledSet | null,
  flags: HeadFlags,
  signal?: AbortSignal,
): Promise<Head> {
  const { engine } = model;
  const { probe } = flags;
  if (probe === "zero-shot") return openZeroShotHead(model, flags, set.classes, signal);
  if (probe === "own" || train === null) return ownHead(engine.spec, set.classes);
  const progress = createProgress();
  const features = await collectFeatures(engine, train, {
    prepare: preparer(engine.spec),
    onProgress: (done, total) => progress("Fitting the probe", done, total),
    ...(signal && { signal }),
  });
  const choice = choiceOf(flags);
  const digest = await digestOf([JSON.stringify([choice, features.labels]), ...features.features]);
  return { ...fitProbe(choice, features), digest };
}

function choiceOf({ probe, lambda, neighbours }: HeadFlags): ProbeChoice {
  if (probe === "ridge") return { kind: probe, lambda };
  return probe === "knn" ? { kind: probe, neighbours } : { kind: "ncm" };
}

/**
 * The labelled images that a probe is fitted on (folder or zip), of the classes of `set`.
 * @throws InputError when the folder has other classes
 */
export async function openTrainSet(folder: string, set: LabelledSet, data: string): Promise<LabelledSet> {
  const train = await openLabelledSet(folder);
  requireSameClasses({ ...set, name: data }, { ...train, name: folder });
  return train;
}
