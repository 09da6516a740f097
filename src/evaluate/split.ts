import { group } from "d3-array";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";

/** Part of every class that a split holds out for the probe. */
export const PROBE_SHARE = 0.2;

/**
 * Splits a set class by class: a fifth of every class (at least one image), drawn with `seed`, for fitting a probe, the
 * rest for the test. The parts share no image.
 * @throws InputError when a class has fewer than two images
 */
export function splitSet(
  set: LabelledSet,
  seed: number,
): { readonly probe: LabelledSet; readonly test: LabelledSet } {
  const byClass = group(
    Array.from({ length: set.count }, (_, i) => i),
    (i) => set.label(i),
  );
  const held = new Set<number>();
  for (const [label, name] of set.classes.entries()) {
    const images = byClass.get(label) ?? [];
    if (images.length < 2) {
      throw new InputError(
        `Class "${name}" of ${set.name}`,
        "at least two images, one of them for fitting the probe",
        String(images.length),
        "Add images, or choose a separate training set.",
      );
    }
    const take = Math.max(1, Math.round(images.length * PROBE_SHARE));
    for (const at of seededOrder(images.length, seed).slice(0, take)) held.add(images[at]!);
  }
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
