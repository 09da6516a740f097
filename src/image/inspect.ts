import { imageSize } from "image-size";
import { InputError } from "../errors/input-error.ts";

/** What an image file says of itself, before anything is decoded. */
export interface ImageFacts {
  /** Pixels, upright (swapped where the EXIF orientation turns the image by a quarter). */
  readonly width: number;
  readonly height: number;
  /** One of {@link IMAGE_TYPES}. */
  readonly type: string;
}

/** The formats that are accepted; browsers decode all of them. */
export const IMAGE_TYPES = ["png", "jpg", "webp", "avif", "gif", "bmp"] as const;
/** 1 megapixel = 10^6 pixels; a decoded image takes 4 bytes a pixel. */
export const MAX_MEGAPIXELS = 50;
/** 1 MB = 2^20 bytes. */
export const MAX_FILE_MB = 64;

/** A JPEG's size stands among its first segments; a longer search only serves hostile files. */
const JPEG_HEAD_BYTES = 8 * 1024 * 1024;

/**
 * Reads type and size from an image file's header. Must run before any decoder sees the file: a small file can
 * claim a picture that fills the memory.
 * @param name for messages.
 * @throws InputError for what is no image, of another type, empty, above 50 megapixels or above 64 MB.
 */
export function inspectImage(bytes: Uint8Array, name: string): ImageFacts {
  checkFileSize(bytes.byteLength, name);
  const { width, height, type, orientation } = readSize(bytes, name);
  if (!IMAGE_TYPES.some((known) => known === type)) {
    throw new InputError(
      name,
      "a PNG, JPEG, WebP, AVIF, GIF or BMP image",
      type === undefined ? "another kind of file" : `a file of type ${type}`,
      "Convert it to PNG or JPEG first.",
    );
  }
  if (!(width > 0 && height > 0)) {
    throw new InputError(name, "an image with at least one pixel", `${width} x ${height}`, "Choose another.");
  }
  if (width * height > MAX_MEGAPIXELS * 1e6) {
    const megapixels = Math.round((width * height) / 1e6);
    throw new InputError(
      name,
      `at most ${MAX_MEGAPIXELS} megapixels`,
      `${width} x ${height} (${megapixels} megapixels)`,
      "Scale it down first; the encoder sees a few hundred pixels a side.",
    );
  }
  const turned = orientation !== undefined && orientation >= 5 && orientation <= 8;
  return { width: turned ? height : width, height: turned ? width : height, type: type! };
}

/**
 * Checks a file's size alone, so that a huge file need not even be read.
 * @throws InputError above 64 MB or when there are no bytes.
 */
export function checkFileSize(bytes: number, name: string): void {
  if (bytes === 0) throw new InputError(name, "an image", "an empty file", "Choose another.");
  if (bytes > MAX_FILE_MB * 2 ** 20) {
    const got = `${Math.ceil(bytes / 2 ** 20)} MB`;
    throw new InputError(name, `an image file of at most ${MAX_FILE_MB} MB`, got, "Scale it down first.");
  }
}

function readSize(bytes: Uint8Array, name: string): ReturnType<typeof imageSize> {
  const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  try {
    return imageSize(jpeg ? bytes.subarray(0, JPEG_HEAD_BYTES) : bytes);
  } catch {
    // The library's messages name its internals; what helps is the same for every cause.
    throw new InputError(
      name,
      "a PNG, JPEG, WebP, AVIF, GIF or BMP image",
      "a file that is none, or whose header is damaged",
      "Choose an image file.",
    );
  }
}
