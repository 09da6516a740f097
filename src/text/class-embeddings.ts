import type { TextSpec, TextTower } from "../encoder/text.ts";
import type { Runtime } from "../engine/runtime.ts";
import { checkClasses, checkTemplates } from "./class-list.ts";
import { type EmbedOptions, embedTexts } from "./embed-texts.ts";
import { fillTemplate } from "./prompts.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** Classes as a text tower sees them: what zero-shot classification compares an image's feature with. */
export interface ClassEmbeddings {
  readonly classes: readonly string[];
  readonly templates: readonly string[];
  /** [classes, E], each row of length 1. */
  readonly embeddings: Float32Array;
  /** E */
  readonly width: number;
  readonly scoring: TextSpec["scoring"];
  /** Factor and offset of the cosine before softmax or sigmoid. */
  readonly scale: number;
  readonly bias: number;
  /** Prompts that were longer than the tower's context and lost their end. */
  readonly truncated: number;
}

/**
 * Class embeddings as in CLIP's notebook (openai/CLIP, Prompt_Engineering_for_ImageNet): every template is filled with the
 * class name, embedded and normalised; their mean, normalised again, stands for the class.
 * @throws InputError for empty or repeated classes, templates without {} and unreadable weights; CancelledError
 */
export async function embedClasses(
  tower: TextTower,
  tokenizer: TextTokenizer,
  classes: readonly string[],
  templates: readonly string[],
  runtime: Runtime,
  options: EmbedOptions = {},
): Promise<ClassEmbeddings> {
  checkClasses(classes);
  checkTemplates(templates);
  const texts = classes.flatMap((name) => templates.map((template) => fillTemplate(template, name)));
  const { embeddings, truncated } = await embedTexts(tower, tokenizer, texts, runtime, options);
  const { embedding: E, scoring } = tower.spec;
  const { scale, bias } = await tower.weights.scale();
  const means = new Float32Array(classes.length * E);
  for (let c = 0; c < classes.length; c++) {
    const mean = means.subarray(c * E, (c + 1) * E);
    for (let t = 0; t < templates.length; t++) {
      const at = (c * templates.length + t) * E;
      const row = embeddings.subarray(at, at + E);
      const norm = Math.hypot(...row) || 1;
      for (let e = 0; e < E; e++) mean[e]! += row[e]! / norm;
    }
    const norm = Math.hypot(...mean) || 1;
    for (let e = 0; e < E; e++) mean[e]! /= norm;
  }
  return { classes, templates, embeddings: means, width: E, scoring, scale, bias, truncated };
}
