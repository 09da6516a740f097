import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import type { OpenedEncoder } from "../families/family.ts";
import { planReads } from "../families/read-plan.ts";
import { hasTextTower } from "../text/open-text.ts";
import { planTextReads, type TextReads } from "../text/read-plan.ts";
import type { HubFiles } from "./hub-files.ts";
import { beyond, type WeightsPlan } from "./hub-weights.ts";

/** What can be fetched of a model of the Hub. */
export interface ModelPlans {
  /** The image encoder alone. */
  readonly encoder: WeightsPlan;
  /** Null = there is no text tower, or none that can be used. */
  readonly text: TextPlans | null;
  /** Why a text tower that is there cannot be used. */
  readonly textRefusal: string | null;
}

/** What can be fetched of a model with a text tower; its tokenizer always comes with it. */
export interface TextPlans {
  /** Encoder and text tower. */
  readonly withEncoder: WeightsPlan;
  /** What that holds beyond the encoder. */
  readonly alone: WeightsPlan;
  /** The same without the token embedding, of which only the rows of the words in use are read. */
  readonly withoutTokens: WeightsPlan;
}

/**
 * @param open reads the encoder from the checkpoint, or from a stand-in of it.
 * @throws InputError when the encoder cannot be read
 */
export async function planModel(
  files: HubFiles,
  weights: Safetensors,
  open: (weights: Safetensors) => OpenedEncoder,
): Promise<ModelPlans> {
  // The data begins where the header ends; the encoder's may lie behind a text tower's.
  const headerEnd = Math.min(...[...weights.tensors.values()].map(({ begin }) => begin));
  const parts = [[{ begin: 0, end: headerEnd }], ...(await planReads(weights, open))];
  const encoder = files.plan(parts);
  if (!hasTextTower(weights)) return { encoder, text: null, textRefusal: null };
  try {
    const { tokens, rest } = await readsOfText(files, weights);
    const withEncoder = files.plan([...parts, tokens, ...rest], true);
    return {
      encoder,
      text: {
        withEncoder,
        alone: beyond(withEncoder, encoder),
        withoutTokens: beyond(files.plan([...parts, ...rest], true), encoder),
      },
      textRefusal: null,
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { encoder, text: null, textRefusal: error.message };
  }
}

async function readsOfText(files: HubFiles, weights: Safetensors): Promise<TextReads> {
  if (files.text.tokenizer) return planTextReads(weights, files.configs);
  throw new InputError(
    "Tokenizer",
    "a tokenizer.json in the repository",
    "none",
    "For zero-shot classification choose a repository that has one.",
  );
}
