import { digestOf } from "../checkpoint/digest.ts";
import type { EngineInput } from "../engine/types.ts";
import { InputError, throwIfCancelled } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";
import { readable } from "./run-image.ts";
import { NONE_SKIPPED, noneReadable, type Skipped, uniteSkipped, withSkipped } from "./skipped.ts";
import { requireDisjoint } from "./unite-labelled.ts";

/** Images that settings are chosen on, with or without labels, loaded one at a time. Never the test set. */
export interface CalibrationSet {
  /** For people and for reports. */
  readonly name: string;
  /** Images that can be read. */
  readonly count: number;
  /** SHA-256 of their pixels as the encoder gets them and of their labels, in their order: equal where all results would be. */
  readonly digest: string;
  /** Those that cannot, and count nowhere. */
  readonly skipped: Skipped;
  /** Image `i` as the encoder's input; rejects with an InputError when it can no longer be read. */
  load(i: number): Promise<EngineInput>;
  /** Class of image `i`; null when the set has no labels. */
  readonly label: ((i: number) => number) | null;
}

/** Which images are taken, and who is told while they are read. */
export interface CalibrationSetOptions {
  readonly seed: number;
  /** The first so many of the seed's order, unreadable ones among them; all when absent. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, total: number) => unknown) | undefined;
}

/**
 * The first `limit` images of a labelled set's seeded order, so that a sorted set still gives a mixture of its
 * classes. Each is decoded once here, so that one that cannot be is left out, as in an evaluation, before anything is
 * computed: several passes then agree on which images there are, and on how many.
 * @throws InputError for an empty set or one of which no image can be read; CancelledError on abort
 */
export async function calibrationSet(
  set: LabelledSet,
  prepare: (image: RgbaImage) => Float32Array,
  { seed, limit = set.count, signal, onProgress }: CalibrationSetOptions,
): Promise<CalibrationSet> {
  const wanted = seededOrder(set.count, seed).slice(0, limit);
  const subject = `Images of ${set.name}`;
  if (wanted.length === 0) {
    throw new InputError(subject, "at least one", "none", "Raise the limit or add images.");
  }
  const order: number[] = [];
  const digests: string[] = [];
  let skipped = NONE_SKIPPED;
  for (const [done, i] of wanted.entries()) {
    throwIfCancelled(signal, "Reading the images");
    const image = await readable(() => set.image(i));
    if ("unreadable" in image) skipped = withSkipped(skipped, image.unreadable);
    else {
      order.push(i);
      digests.push(await digestOf([prepare(image), set.classes[set.label(i)]!]));
    }
    await onProgress?.("Reading (images)", done + 1, wanted.length);
  }
  if (order.length === 0) throw noneReadable(subject, skipped);
  return {
    name: set.name,
    count: order.length,
    digest: await digestOf(digests),
    skipped,
    load: async (i) => ({ id: set.id(order[i]!), pixels: prepare(await set.image(order[i]!)) }),
    label: (i) => set.label(order[i]!),
  };
}

/**
 * The first images of each of several sets, and all of them as one set, without labels.
 * @param subject what the sets were named by, for errors
 * @throws InputError as {@link calibrationSet}, for no set, or for an image that lies in two of them, where it would count twice
 */
export async function calibrationSets(
  sets: readonly LabelledSet[],
  subject: string,
  read: (set: LabelledSet) => Promise<CalibrationSet>,
): Promise<{ readonly sets: readonly CalibrationSet[]; readonly all: CalibrationSet }> {
  if (sets.length === 0) throw new InputError(subject, "at least one set", "none", "Choose some images.");
  requireDisjoint(sets, subject);
  const parts: CalibrationSet[] = [];
  for (const set of sets) parts.push(await read(set));
  return { sets: parts, all: await uniteSets(parts) };
}

/**
 * Several sets as one, the images of the first before those of the second. Its labels are not known, since the sets' classes may
 * differ.
 */
export async function uniteSets(sets: readonly CalibrationSet[]): Promise<CalibrationSet> {
  const [only] = sets;
  if (only && sets.length === 1) return only;
  const images = sets.flatMap((set) => Array.from({ length: set.count }, (_, i) => ({ set, i })));
  return {
    name: sets.map(({ name }) => name).join(" + "),
    count: images.length,
    digest: await digestOf(sets.map(({ digest }) => digest)),
    skipped: uniteSkipped(sets.map(({ skipped }) => skipped)),
    load: async (i) => images[i]!.set.load(images[i]!.i),
    label: null,
  };
}
