import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import { isHfText, openHfText } from "./hf-text.ts";
import { isOpenClipText, openOpenClipText } from "./open-clip-text.ts";
import type { TextTower } from "./spec.ts";

/** Layouts of text towers. Adding one is one file and one row here. */
const LAYOUTS = [
  { recognises: isHfText, open: openHfText },
  { recognises: isOpenClipText, open: openOpenClipText },
] as const;

/** Whether the checkpoint holds a text tower, going by the names of its tensors. */
export function hasTextTower(file: Safetensors): boolean {
  return LAYOUTS.some(({ recognises }) => recognises(file));
}

/**
 * Opens the text tower of a checkpoint; names, shapes and config are checked, no data is read.
 * @param config the parsed config.json or open_clip_config.json beside it; null when there is none
 * @throws InputError when there is none or it is not one that can be built
 */
export function openTextTower(file: Safetensors, config: unknown): TextTower {
  const layout = LAYOUTS.find(({ recognises }) => recognises(file));
  if (layout) return layout.open(file, config);
  throw new InputError(
    file.name,
    "a text tower (text_model.* of Transformers' CLIP and SigLIP, token_embedding of OpenCLIP)",
    "a checkpoint without one",
    "For zero-shot classification choose the model.safetensors of a whole CLIP, OpenCLIP or SigLIP model; read this one by its own head or a probe.",
  );
}
