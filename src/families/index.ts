import { quote } from "../checkpoint/header.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import type { Family, OpenedEncoder } from "./family.ts";
import type { ModelOverrides } from "./overrides.ts";
import { checkArchitecture } from "./timm-config.ts";
import { timmVit } from "./timm-vit.ts";

/** Every family that can be opened. Adding one is one file and one row here. */
export const FAMILIES: readonly Family[] = [timmVit];

/**
 * Recognises a checkpoint by its tensor names and checks it as a whole (names, shapes, agreement with the
 * config) before any data is read.
 * @param config the parsed config.json beside it, or null when there is none.
 * @param overrides what the user states; it wins over config and defaults.
 * @throws InputError when no family fits or the checkpoint or config is not one that the family can run.
 */
export function openEncoder(
  weights: Safetensors,
  config: unknown,
  overrides: ModelOverrides = {},
): OpenedEncoder {
  // First, so that a ResNet with its config is called a ResNet and not a list of unknown tensors.
  if (config !== null) checkArchitecture(config);
  const family = FAMILIES.find(({ marks }) => marks.every((mark) => weights.tensors.has(mark)));
  if (family) return family.open(weights, config, overrides);
  const names = [...weights.tensors.keys()].slice(0, 3).map(quote);
  throw new InputError(
    weights.name,
    `a vision encoder in a known naming: ${FAMILIES.map(({ title, marks }) => `${title} (with ${marks.join(", ")})`).join("; ")}`,
    names.length > 0 ? `${weights.tensors.size} tensors such as ${names.join(", ")}` : "no tensors",
    "Choose the model.safetensors of a timm vision transformer.",
  );
}
