import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { collectFeatures } from "../evaluate/features.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import { nearestClassMean, ridgeProbe } from "../evaluate/probe.ts";
import { openFolderSet } from "./folder-dataset.ts";
import type { OpenModel } from "./open-model.ts";
import { createProgress } from "./output.ts";
import { preparer } from "./preparer.ts";

/** Ways to read a label off a run. */
export const PROBES = ["ncm", "ridge", "own"] as const;
export type Probe = (typeof PROBES)[number];

/** How a head is chosen on the command line. */
export interface HeadFlags {
  readonly probe: Probe;
  /** Penalty of the ridge probe; chosen by leave-one-out when absent. */
  readonly lambda?: number;
}

/**
 * The checkpoint's own head, or a probe fitted on `train`.
 * @param train null for the own head
 * @throws InputError when the own head's classes are not the set's; CancelledError on abort
 */
export async function openHead(
  { engine }: Pick<OpenModel, "engine">,
  set: LabelledSet,
  train: LabelledSet | null,
  { probe, lambda }: HeadFlags,
  signal?: AbortSignal,
): Promise<Head> {
  if (probe === "own" || train === null) return ownHead(engine.spec, set.classes);
  const progress = createProgress();
  const features = await collectFeatures(engine, train, {
    prepare: preparer(engine.spec),
    onProgress: (done, total) => progress("Fitting the probe", done, total),
    ...(signal && { signal }),
  });
  return probe === "ncm" ? nearestClassMean(features) : ridgeProbe(features, lambda);
}

/**
 * The labelled images that a probe is fitted on, of the classes of `set`.
 * @throws InputError when the folder has other classes
 */
export async function openTrainSet(folder: string, set: LabelledSet, data: string): Promise<LabelledSet> {
  const train = await openFolderSet(folder);
  if (train.classes.join("\n") === set.classes.join("\n")) return train;
  const missing = set.classes.find((name) => !train.classes.includes(name));
  throw new InputError(
    folder,
    `the ${set.classes.length} class folders of ${data}`,
    missing === undefined ? `${train.classes.length} class folders` : `no folder "${missing}"`,
    "Give both folders the same classes.",
  );
}
