import sharp from "sharp";
import { InputError } from "../errors/input-error.ts";
import { inspectImage, MAX_MEGAPIXELS } from "../image/inspect.ts";
import type { RgbaImage } from "../image/rgba-image.ts";

/**
 * Decodes an image file in Node: upright, 8 bits, alpha kept and not blended, embedded colour profiles ignored,
 * as the browser's decoder is asked to do (src/worker/decode.ts) and as PIL does. BMP cannot be read here.
 * @param name for messages.
 * @throws InputError when {@link inspectImage} refuses it or it cannot be decoded.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbaImage> {
  inspectImage(bytes, name);
  try {
    const { data, info } = await sharp(bytes, {
      limitInputPixels: MAX_MEGAPIXELS * 1e6,
      ignoreIcc: true,
      failOn: "truncated",
    })
      .autoOrient()
      .toColourspace("srgb")
      .ensureAlpha()
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength),
    };
  } catch (cause) {
    throw new InputError(
      name,
      "an image that can be decoded",
      cause instanceof Error ? cause.message : String(cause),
      "It may be damaged: open and save it again as PNG or JPEG.",
    );
  }
}
