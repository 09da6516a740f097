import { z } from "zod";
import { quote } from "../checkpoint/header.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import type { ConfigFiles } from "./config-files.ts";
import type { Family } from "./family.ts";

/** Kinds of model that people have safetensors files of, by names of tensors that only they have. */
const KINDS: readonly {
  readonly what: string;
  readonly mark: RegExp;
  readonly unless?: RegExp;
  readonly remedy?: string;
}[] = [
  {
    what: "an OpenCLIP model with a timm tower that is no vision transformer",
    mark: /^visual\.trunk\./,
    remedy: "Choose one with a ViT, such as timm/ViT-B-16-SigLIP.",
  },
  { what: "a text tower without its image encoder", mark: /^text_model\./, unless: /^vision_model\./ },
  {
    what: "an adapter (LoRA), not a whole model",
    mark: /\.lora_[AB]\./,
  },
  {
    what: "a language model",
    mark: /(^|\.)(embed_tokens|wte|word_embeddings|tok_embeddings)\.weight$|^(bert|roberta|gpt_neox|transformer\.h)\b|(^|\.)lm_head\.weight$/,
  },
  { what: "a convolutional network", mark: /\.running_mean$|^(conv1|stem|layer1|features)\.|\.downsample\./ },
  { what: "a Swin transformer", mark: /relative_position_bias_table$/ },
];

/**
 * The error for a checkpoint that no family fits: what it seems to be, from its tensors and from what its config calls
 * itself, and which kinds can be opened.
 */
export function unrecognised(
  weights: Safetensors,
  { config }: ConfigFiles,
  families: readonly Family[],
): InputError {
  const names = [...weights.tensors.keys()];
  const some = (mark: RegExp | undefined) => names.some((name) => mark?.test(name));
  const kind = KINDS.find(({ mark, unless }) => some(mark) && !some(unless));
  const examples = names.slice(0, 3).map(quote).join(", ");
  const tensors = names.length > 0 ? `${names.length} tensors such as ${examples}` : "no tensors";
  const said = named(config);
  const got = `${kind ? `${kind.what}: ` : ""}${tensors}${said ? `, and a config of ${said}` : ""}`;
  const expected = `a vision encoder in a known naming: ${families.map(({ title }) => title).join("; ")}`;
  return new InputError(
    weights.name,
    expected,
    got,
    kind?.remedy ?? "Choose the model.safetensors of a CLIP, SigLIP, DINOv2, ViT or DeiT encoder.",
  );
}

/** What a config calls its model, or null. */
function named(config: unknown): string | null {
  const schema = z.object({ model_type: z.string().optional(), architecture: z.string().optional() });
  const { data } = schema.safeParse(config);
  if (data?.model_type !== undefined) return `model_type ${quote(data.model_type)}`;
  return data?.architecture === undefined ? null : `architecture ${quote(data.architecture)}`;
}
