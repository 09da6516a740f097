import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "./dataset.ts";

type Names = Pick<LabelledSet, "name" | "classes">;

/**
 * Checks that training images have the classes of the set that they are for.
 * @throws InputError when they have others
 */
export function requireSameClasses(set: Names, train: Names): void {
  if (train.classes.join("\n") === set.classes.join("\n")) return;
  const missing = set.classes.find((name) => !train.classes.includes(name));
  throw new InputError(
    train.name,
    `the ${set.classes.length} class folders of ${set.name}`,
    missing === undefined ? `${train.classes.length} class folders` : `no folder "${missing}"`,
    "Give both folders the same classes.",
  );
}
