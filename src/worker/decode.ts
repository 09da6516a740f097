import { InputError } from "../errors/input-error.ts";
import { checkFileSize, inspectImage } from "../image/inspect.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { readUnpremultiplied } from "./unpremultiplied.ts";

/**
 * Decodes an image file with the browser's own decoder, in the worker: upright (EXIF), alpha not multiplied in,
 * embedded colour profiles ignored, so that the pixels equal PIL's and the command line's.
 * @param name for messages.
 * @throws InputError when `inspectImage` refuses the file or the browser cannot decode it.
 */
export async function decodeImage(blob: Blob, name: string): Promise<RgbaImage> {
  checkFileSize(blob.size, name);
  const facts = inspectImage(new Uint8Array(await readBytes(blob, name)), name);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
      imageOrientation: "from-image",
    });
  } catch {
    throw new InputError(
      name,
      "an image that this browser can decode",
      `a ${facts.type} file that it cannot`,
      "It may be damaged: open and save it again as PNG or JPEG.",
    );
  }
  try {
    return readPixels(bitmap, name);
  } finally {
    bitmap.close();
  }
}

async function readBytes(blob: Blob, name: string): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(name, "a readable file", got, "It may have been moved: choose it again.");
  }
}

function readPixels(bitmap: ImageBitmap, name: string): RgbaImage {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) {
    const got = `${width} x ${height}, which this browser has no canvas for`;
    throw new InputError(name, "an image that fits a canvas", got, "Scale it down first.");
  }
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  if (isOpaque(data)) return { width, height, data };
  // A 2D canvas stores premultiplied colours: where alpha < 255 they come back rounded, where it is 0 black.
  return { width, height, data: readUnpremultiplied(bitmap) ?? data };
}

function isOpaque(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false;
  return true;
}
