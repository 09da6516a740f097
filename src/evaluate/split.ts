import { group } from "d3-array";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";

/** Part of every class that a split holds out for the probe. */
export const PROBE_SHARE = 0.2;

/** What to do where a probe cannot be fitted on what there is. */
export const OTHER_TRAINING_IMAGES =
  'choose training images of its own: in the page under Data set, "Training images of a probe"; on the command line with --train.';

/** Two parts of a set that share no image and lose none. */
export interface SplitSet {
  readonly probe: LabelledSet;
  readonly test: LabelledSet;
}

/**
 * Splits a set class by class: a fifth of every class (at least one image), drawn with `seed`, for fitting a probe, the
 * rest for the test. The parts share no image.
 * @throws InputError when a class has fewer than two images
 */
export function splitSet(set: LabelledSet, seed: number): SplitSet {
  requireSplittable(set);
  return holdOut(set, seed);
}

/** @throws InputError when a class has fewer than two images: then a probe or its test would lack it */
export function requireSplittable(set: LabelledSet): void {
  const byClass = imagesByClass(set);
  for (const [label, name] of set.classes.entries()) {
    const count = byClass.get(label)?.length ?? 0;
    if (count >= 2) continue;
    throw new InputError(
      `Class "${name}" of ${set.name}`,
      "at least two images, one of them for fitting the probe",
      String(count),
      `Add images, or ${OTHER_TRAINING_IMAGES}`,
    );
  }
}

/**
 * As {@link splitSet}, and equal to it where that does not refuse, for what is learnt without labels: of all classes with a single
 * image together, a fifth is held out, so that even a set of one image a class has a part to learn from.
 */
export function holdOut(set: LabelledSet, seed: number): SplitSet {
  const held = new Set<number>();
  const hold = (images: readonly number[], least: number) => {
    const take = Math.max(least, Math.round(images.length * PROBE_SHARE));
    for (const at of seededOrder(images.length, seed).slice(0, take)) held.add(images[at]!);
  };
  const classes = [...imagesByClass(set).values()];
  for (const images of classes) if (images.length > 1) hold(images, 1);
  const single = classes.filter((images) => images.length === 1).flat();
  hold(single, held.size === 0 ? 1 : 0);
  const indices = Array.from({ length: set.count }, (_, i) => i);
  return {
    probe: subset(
      set,
      indices.filter((i) => held.has(i)),
    ),
    test: subset(
      set,
      indices.filter((i) => !held.has(i)),
    ),
  };
}

function imagesByClass(set: LabelledSet): Map<number, number[]> {
  return group(
    Array.from({ length: set.count }, (_, i) => i),
    (i) => set.label(i),
  );
}

function subset(set: LabelledSet, indices: readonly number[]): LabelledSet {
  const { encoded } = set;
  return {
    name: set.name,
    classes: set.classes,
    count: indices.length,
    label: (i) => set.label(indices[i]!),
    id: (i) => set.id(indices[i]!),
    image: (i) => set.image(indices[i]!),
    ...(encoded && { encoded: (i: number) => encoded(indices[i]!) }),
    ...(set.fingerprint !== undefined && { fingerprint: set.fingerprint }),
  };
}
