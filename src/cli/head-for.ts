import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import type { Objective } from "../regcache/search.ts";
import { isFitted, openHead, openTrainSet } from "./open-head.ts";
import type { ImageFolder, ImagesFlags } from "./open-images.ts";
import type { OpenModel } from "./open-model.ts";
import { requireUnseen, tellShared } from "./shared-images.ts";

/**
 * How labels are read: by the probe that was asked for, else by the checkpoint's own head where its classes are the
 * set's, else not at all.
 * @param flags.objective what settings are chosen by; "accuracy" refuses a probe that was fitted on the same images
 * @throws InputError when a probe was asked for that cannot be had
 */
export async function headFor(
  model: OpenModel,
  { set, labelled }: ImageFolder,
  flags: Pick<ImagesFlags, "probe" | "train" | "data" | "lambda" | "neighbours" | "classes" | "templates"> & {
    readonly objective?: Objective;
  },
  signal?: AbortSignal,
): Promise<Head | null> {
  const { probe, train, data = set.name, objective } = flags;
  if (probe === undefined) return labelled ? ownHeadOrNone(model, set) : null;
  if (!labelled) {
    throw new InputError(`--probe ${probe}`, "class-named folders", "a flat folder", "Leave --probe out.");
  }
  if (isFitted(probe) && train === undefined) {
    throw new InputError(`--probe ${probe}`, "--train FOLDER to fit it on", "none", "Add --train.");
  }
  const fitOn = isFitted(probe) ? await openTrainSet(train!, set, data) : null;
  if (fitOn && objective === "accuracy") await requireUnseen(set, fitOn, "--objective accuracy");
  await tellShared(set, { train: fitOn });
  return openHead(model, set, fitOn, { ...flags, probe }, signal);
}

/** The checkpoint's own head where its classes are the set's; null where they are not. */
export function ownHeadOrNone({ engine }: OpenModel, set: LabelledSet): Head | null {
  try {
    return ownHead(engine.spec, set.classes);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
