import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { openImageFolder } from "./open-images.ts";

type Images = Pick<LabelledSet, "id" | "count">;

/**
 * Images that lie in both sets, by their ids in `set`. Files are compared by their real paths, so that a folder that is named
 * in two ways is known again; images of archives by their ids.
 */
export async function sharedImages(set: Images, other: Images): Promise<string[]> {
  const known = new Set(await Promise.all(idsOf(other).map(identity)));
  const shared: string[] = [];
  for (const id of idsOf(set)) if (known.has(await identity(id))) shared.push(id);
  return shared;
}

/**
 * Of settings that are chosen, or units that are compared, by labels which a probe reads: it must not have seen the images.
 * @throws InputError when it has
 */
export async function requireUnseen(set: LabelledSet, train: LabelledSet, flag: string): Promise<void> {
  const [shared] = await sharedImages(set, train);
  if (shared === undefined) return;
  const remedy = "Give other training images, or leave the labels out: mse needs none.";
  throw new InputError(
    flag,
    "a probe that was fitted on other images than --data",
    `${shared} in both`,
    remedy,
  );
}

/** Flags that name images which something is learnt from: a probe that is open already, or folders. */
export interface LearntFrom {
  readonly train: LabelledSet | null;
  readonly curate?: { readonly data: readonly string[] } | undefined;
  readonly calibrate?: { readonly data: readonly string[] } | undefined;
}

/**
 * Says on stderr which evaluated images a probe, registers or ranges are learnt from: it is allowed, but what is measured on
 * them says little about other images.
 * @throws InputError when a folder holds no images
 */
export async function tellShared(set: LabelledSet, { train, curate, calibrate }: LearntFrom): Promise<void> {
  if (train) await tell("--train", set, train);
  for (const [flag, folders] of Object.entries({ "--curate": curate, "--calibrate": calibrate })) {
    for (const folder of folders?.data ?? []) {
      await tell(flag, set, (await openImageFolder(resolve(folder))).set);
    }
  }
}

async function tell(flag: string, set: LabelledSet, learnt: LabelledSet): Promise<void> {
  const { length } = await sharedImages(set, learnt);
  if (length === 0) return;
  process.stderr.write(
    `${flag} shares ${length} of the ${set.count} images of ${set.name} that are evaluated: the result says little about images that nothing was learnt from.\n`,
  );
}

const idsOf = ({ id, count }: Images) => Array.from({ length: count }, (_, i) => id(i));

const identity = (id: string) => realpath(id).catch(() => id);
