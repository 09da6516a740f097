import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { TextTower } from "../encoder/text.ts";
import { InputError } from "../errors/input-error.ts";
import type { ConfigFiles } from "../families/config-files.ts";
import { isHfText, openHfText } from "./hf-text.ts";
import { isOpenClipText, openOpenClipText } from "./open-clip-text.ts";
import { createTokenizer, type TextTokenizer, type TokenizerFiles } from "./tokenizer.ts";

/** The config files that may say something about the text tower. */
export type TextConfigs = Pick<ConfigFiles, "config" | "openClip">;

/** Layouts of text towers. Adding one is one file and one row here. */
const LAYOUTS = [
  {
    recognises: isHfText,
    open: (file: Safetensors, { config }: TextConfigs) => openHfText(file, config),
  },
  {
    recognises: isOpenClipText,
    open: (file: Safetensors, { openClip }: TextConfigs) => openOpenClipText(file, openClip ?? null),
  },
] as const;

/** Whether the checkpoint holds a text tower, going by the names of its tensors. */
export function hasTextTower(file: Safetensors): boolean {
  return LAYOUTS.some(({ recognises }) => recognises(file));
}

/**
 * Opens the text tower of a checkpoint; names, shapes and config are checked, no data is read.
 * @throws InputError when there is none or it is not one that can be built
 */
export function openTextTower(file: Safetensors, configs: TextConfigs): TextTower {
  const layout = LAYOUTS.find(({ recognises }) => recognises(file));
  if (layout) return layout.open(file, configs);
  throw new InputError(
    file.name,
    "a text tower (text_model.* of Transformers' CLIP and SigLIP, token_embedding of OpenCLIP)",
    "a checkpoint without one",
    "For zero-shot classification choose the model.safetensors of a whole CLIP, OpenCLIP or SigLIP model; read this one by its own head or a probe.",
  );
}

/** Text tower and tokenizer of a checkpoint. @throws InputError when either is missing or they do not fit together */
export function openText(
  file: Safetensors,
  configs: TextConfigs,
  tokenizer: TokenizerFiles | null,
): { readonly tower: TextTower; readonly tokenizer: TextTokenizer } {
  const tower = openTextTower(file, configs);
  return { tower, tokenizer: createTokenizer(tower.spec, tokenizer) };
}
