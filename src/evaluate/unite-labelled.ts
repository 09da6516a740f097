import { InputError } from "../errors/input-error.ts";
import { UNLABELLED } from "./class-folders.ts";
import type { LabelledSet } from "./dataset.ts";

/**
 * The images of several sets as one, those of the first before those of the second, for what needs neither labels nor masks.
 * @param subject what the sets were named by, for errors
 * @throws InputError when an image lies in two of them, where it would count twice
 */
export function uniteLabelled(sets: readonly LabelledSet[], subject: string): LabelledSet {
  const [only] = sets;
  if (only && sets.length === 1) return only;
  requireDisjoint(sets, subject);
  const images = sets.flatMap((set) => Array.from({ length: set.count }, (_, i) => ({ set, i })));
  return {
    name: sets.map(({ name }) => name).join(" + "),
    classes: [UNLABELLED],
    count: images.length,
    label: () => 0,
    id: (at) => images[at]!.set.id(images[at]!.i),
    image: (at) => images[at]!.set.image(images[at]!.i),
  };
}

/** @throws InputError when an image lies in two of the sets */
export function requireDisjoint(sets: readonly LabelledSet[], subject: string): void {
  const known = new Set<string>();
  for (const set of sets) {
    for (let i = 0; i < set.count; i++) {
      const id = set.id(i);
      if (known.has(id)) throw new InputError(subject, "sets without common images", id, "Name it once.");
      known.add(id);
    }
  }
}
