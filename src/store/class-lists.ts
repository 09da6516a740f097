import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import { parseClasses, parseTemplates } from "../text/class-list.ts";
import { IMAGENETTE, TEMPLATE_PRESETS } from "../text/prompts.ts";
import type { Progress } from "../worker/api.ts";

/** What zero-shot classification chooses among, as it is typed, and its embeddings by the loaded model. */
export interface ClassesState {
  /** Class names, one a line. */
  readonly names: string;
  /** Prompt templates, one a line. */
  readonly templates: string;
  /** Of an embedding under way. */
  readonly embedding: Progress | null;
  /** Of a download of the loaded model's text tower. */
  readonly downloading: Progress | null;
  /** Of the loaded model's text tower; null = not made yet. */
  readonly embedded: ClassEmbeddings | null;
}

/** A list as it is typed. */
export const oneALine = (entries: readonly string[]): string => entries.join("\n");

/** Imagenette as an example; embedded only when the user asks for it. */
export const INITIAL_CLASSES: ClassesState = {
  names: oneALine(Object.values(IMAGENETTE)),
  templates: oneALine(TEMPLATE_PRESETS[0]!.templates),
  embedding: null,
  downloading: null,
  embedded: null,
};

/** The preset whose templates these are, or null. */
export function presetOf(templates: string): string | null {
  return TEMPLATE_PRESETS.find((preset) => oneALine(preset.templates) === templates.trim())?.id ?? null;
}

/** Whether the lists have changed since they were embedded. */
export function isStale({ names, templates, embedded }: ClassesState): boolean {
  if (!embedded) return false;
  try {
    const lists = [parseClasses(names, "Classes").classes, parseTemplates(templates, "Templates")];
    return JSON.stringify(lists) !== JSON.stringify([embedded.classes, embedded.templates]);
  } catch {
    return true;
  }
}
