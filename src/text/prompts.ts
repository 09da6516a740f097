import lists from "./data/prompts.json" with { type: "json" };

/** Where a template takes the class name. */
export const SLOT = "{}";

/** The prompt of a class, e.g. "a photo of a tench." */
export function fillTemplate(template: string, name: string): string {
  return template.replaceAll(SLOT, name);
}

export interface TemplatePreset {
  readonly id: string;
  readonly label: string;
  readonly templates: readonly string[];
}

/** Standard prompt templates; those of OpenAI's CLIP notebook come from open_clip (data/LICENSE-open_clip). */
export const TEMPLATE_PRESETS: readonly TemplatePreset[] = [
  { id: "simple", label: "a photo of a …", templates: [`a photo of a ${SLOT}.`] },
  { id: "siglip", label: "this is a photo of …", templates: [`This is a photo of ${SLOT}.`] },
  { id: "subset-7", label: "7 templates (CLIP's subset)", templates: lists.subset7 },
  { id: "openai-80", label: "80 templates (CLIP, ImageNet)", templates: lists.openai80 },
];

/** Imagenette's ten ImageNet-1k classes: WordNet id, which is the folder's name, -> class name. */
export const IMAGENETTE: Readonly<Record<string, string>> = lists.imagenette;
