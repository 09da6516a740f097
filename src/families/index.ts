import type { Safetensors } from "../checkpoint/safetensors.ts";
import { clip } from "./clip.ts";
import { type ConfigFiles, NO_CONFIG_FILES } from "./config-files.ts";
import { deit } from "./deit.ts";
import { dinov2, dinov2WithRegisters } from "./dinov2.ts";
import type { Family, Mark, OpenedEncoder } from "./family.ts";
import { openClip } from "./open-clip.ts";
import { openClipTimm } from "./open-clip-timm.ts";
import type { ModelOverrides } from "./overrides.ts";
import { siglip, siglip2Naflex } from "./siglip.ts";
import { timmVit } from "./timm-vit.ts";
import { unrecognised } from "./unrecognised.ts";
import { vit } from "./vit.ts";

/**
 * Every family that can be opened; the first whose marks a file has reads it. Adding one is one file and one row here.
 */
export const FAMILIES: readonly Family[] = [
  clip,
  siglip2Naflex,
  siglip,
  dinov2WithRegisters,
  dinov2,
  deit,
  vit,
  openClip,
  openClipTimm,
  timmVit,
];

/**
 * Recognises a checkpoint by its tensor names and checks it as a whole (names, shapes, agreement with the configs)
 * before any data is read.
 * @param configs the JSON files beside it.
 * @param overrides what the user states; it wins over configs and defaults.
 * @throws InputError when no family fits or the checkpoint or a config is not one that the family can run.
 */
export function openEncoder(
  weights: Safetensors,
  configs: ConfigFiles = NO_CONFIG_FILES,
  overrides: ModelOverrides = {},
): OpenedEncoder {
  const family = familyOf(weights);
  if (!family) throw unrecognised(weights, configs, FAMILIES);
  return family.open(weights, configs, overrides);
}

/** The family of a checkpoint by its tensor names; null when there is none. */
export function familyOf({ tensors }: Pick<Safetensors, "tensors">): Family | null {
  const has = (mark: Mark) =>
    typeof mark === "string" ? tensors.has(mark) : tensors.get(mark.tensor)?.shape.length === mark.rank;
  return FAMILIES.find(({ marks }) => marks.some((list) => list.every(has))) ?? null;
}
