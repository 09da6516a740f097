import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { sceneName } from "../store/scenes.ts";
import type { Scene } from "./api.ts";

/**
 * A scene of the bundled set with its exact mask, as files, so that it is opened as any image and any mask are.
 * @param encode pixels -> a file that decodes to the same ones
 * @throws InputError when the set has no such scene or no masks
 */
export async function readScene(
  { count, image, mask }: Pick<LabelledSet, "count" | "image" | "mask">,
  index: number,
  encode: (image: RgbaImage) => Promise<Blob> = encodePng,
): Promise<Scene> {
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new InputError("Test scene", `a number from 0 to ${count - 1}`, String(index), "Choose another.");
  }
  if (!mask) {
    throw new InputError(
      "Test scenes",
      "scenes with masks",
      "scenes alone",
      "Restore public/datasets/scenes.",
    );
  }
  const name = sceneName(index);
  return {
    image: { name, blob: await encode(await image(index)) },
    mask: { name: name.replace(/\.png$/, "-mask.png"), blob: await encode(await mask(index)) },
  };
}

/** Lossless, since the scenes are opaque: a canvas rounds colours only where alpha < 255. */
async function encodePng({ width, height, data }: RgbaImage): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) {
    const remedy = "Choose an image and a mask of your own.";
    throw new InputError("Test scene", "a browser that writes images", "one without a canvas", remedy);
  }
  context.putImageData(new ImageData(Uint8ClampedArray.from(data), width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
