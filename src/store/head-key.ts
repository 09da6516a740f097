import { unfittedHead } from "../evaluate/unfitted-head.ts";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import type { DatasetInfo, ModelInfo } from "../worker/api.ts";

/** What reads a set's classes without being fitted: the encoder's own head, or these class embeddings. */
export type UnfittedHeadKey = "own" | Pick<ClassEmbeddings, "classes" | "templates">;

/** Equal for equal heads; null where only a fitted one reads the set's classes. */
export function unfittedHeadKey(
  { spec }: Pick<ModelInfo, "spec">,
  { classes }: Pick<DatasetInfo, "classes">,
  embedded: ClassEmbeddings | null,
): UnfittedHeadKey | null {
  if (unfittedHead(spec, classes, null)) return "own";
  if (!embedded || !unfittedHead(spec, classes, embedded)) return null;
  return { classes: embedded.classes, templates: embedded.templates };
}
