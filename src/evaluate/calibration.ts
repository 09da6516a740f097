import type { EngineInput } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";

/** Images that settings are chosen on, with or without labels, loaded one at a time. Never the test set. */
export interface CalibrationSet {
  /** For people and for reports. */
  readonly name: string;
  readonly count: number;
  /** Image `i` as the encoder's input; rejects with an InputError when it cannot be read. */
  load(i: number): Promise<EngineInput>;
  /** Class of image `i`; null when the set has no labels. */
  readonly label: ((i: number) => number) | null;
}

/**
 * The first `limit` images of a labelled set's seeded order, so that a sorted set still gives a mixture of its
 * classes.
 * @throws InputError for an empty set
 */
export function calibrationSet(
  set: LabelledSet,
  prepare: (image: RgbaImage) => Float32Array,
  { seed, limit = set.count }: { readonly seed: number; readonly limit?: number | undefined },
): CalibrationSet {
  const order = seededOrder(set.count, seed).slice(0, limit);
  if (order.length === 0) {
    throw new InputError(`Images of ${set.name}`, "at least one", "none", "Raise the limit or add images.");
  }
  return {
    name: set.name,
    count: order.length,
    load: async (i) => ({ id: set.id(order[i]!), pixels: prepare(await set.image(order[i]!)) }),
    label: (i) => set.label(order[i]!),
  };
}

/**
 * Several sets as one, the images of the first before those of the second. Its labels are not known, since the sets' classes may
 * differ.
 */
export function uniteSets(sets: readonly CalibrationSet[]): CalibrationSet {
  const [only] = sets;
  if (only && sets.length === 1) return only;
  const images = sets.flatMap((set) => Array.from({ length: set.count }, (_, i) => ({ set, i })));
  return {
    name: sets.map(({ name }) => name).join(" + "),
    count: images.length,
    load: async (i) => images[i]!.set.load(images[i]!.i),
    label: null,
  };
}
