import type { EncoderSpec } from "../encoder/spec.ts";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import type { ProbeChoice } from "./fit-probe.ts";
import { type Head, ownHead } from "./head.ts";
import { zeroShotHeadOfFolders } from "./zero-shot.ts";

/** How labels are to be read: by what needs no fitting where that fits, else by a probe. */
export interface HeadChoice {
  /** Class embeddings of the model: a set whose classes are all among them is read zero-shot. */
  readonly classEmbeddings: ClassEmbeddings | null;
  /** What is fitted where neither the own head nor class embeddings read the set's classes. */
  readonly probe: ProbeChoice;
}

/**
 * The head that reads a set's classes without being fitted: the encoder's own where they are its classes, zero-shot where the
 * class embeddings cover them; null where neither does.
 */
export function unfittedHead(
  spec: EncoderSpec,
  classes: readonly string[],
  classEmbeddings: ClassEmbeddings | null,
): Head | null {
  const { classNames } = spec;
  if (classNames && classes.every((name) => classNames.includes(name))) return ownHead(spec, classes);
  return classEmbeddings && zeroShotHeadOfFolders(classEmbeddings, classes);
}
