import { z } from "zod";
import type { PreprocessSpec } from "../encoder/spec.ts";
import { withOverrides } from "./hf-preprocess.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import type { ModelOverrides } from "./overrides.ts";

const triple = z.tuple([z.number(), z.number(), z.number()]);

/** `preprocess_cfg` of open_clip_config.json (open_clip `PreprocessCfg`). */
export const openClipPreprocessSchema = z
  .object({
    mean: triple.optional(),
    std: triple.optional(),
    interpolation: z.enum(["bicubic", "bilinear"]).optional(),
    resize_mode: z.enum(["shortest", "squash"]).optional(),
  })
  .nullish();

/**
 * Preprocessing as open_clip's `image_transform_v2` does it for evaluation: resized to the input, then cropped to it.
 * @param size side of the square input, pixels
 */
export function openClipPreprocess(
  stated: z.infer<typeof openClipPreprocessSchema>,
  size: number,
  overrides: ModelOverrides,
): PreprocessSpec {
  return withOverrides(
    {
      size,
      mode: stated?.resize_mode === "squash" ? "squash" : "shortest-edge",
      resize: size,
      interpolation: stated?.interpolation ?? "bicubic",
      mean: stated?.mean ?? NORMALISATIONS.clip.mean,
      std: stated?.std ?? NORMALISATIONS.clip.std,
    },
    overrides,
  );
}
