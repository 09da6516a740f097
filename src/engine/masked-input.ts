import { InputError } from "../errors/input-error.ts";
import { type Keep, maskPixels } from "../image/mask.ts";
import type { EngineInput } from "./types.ts";

/**
 * The input that an intervention's mask leaves of an image. Its id names the mask and the part, so that hidden states of
 * different masks never meet in the cache.
 * @throws InputError when a part is asked for and the image has no mask
 */
export function maskedInput(input: EngineInput, keep: Keep | undefined): EngineInput {
  if (keep === undefined) return input;
  if (!input.mask) {
    throw new InputError(
      `The ${keep} of ${input.id}`,
      "a mask that says where it is",
      "none",
      "Paint or choose a mask.",
    );
  }
  const id = `${input.id}|${keep} of mask ${input.mask.id}`;
  return { id, pixels: maskPixels(input.pixels, input.mask, keep) };
}
