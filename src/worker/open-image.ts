import { blobSource } from "../checkpoint/byte-source.ts";
import { sha256 } from "../checkpoint/digest.ts";
import type { PreprocessSpec } from "../encoder/spec.ts";
import type { EngineInput } from "../engine/types.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { ImageInfo, NamedImage } from "./api.ts";
import { decodeImage } from "./decode.ts";

/** An image that lanes can run on. */
export interface OpenedImage {
  readonly input: EngineInput;
  readonly info: ImageInfo;
}

/**
 * Decodes an image file and prepares it for an encoder. Its id is the digest of its bytes, so that the same file finds what
 * an engine has already computed of it.
 * @throws InputError when the file cannot be read or decoded
 */
export async function openImage(
  { blob, name }: NamedImage,
  preprocess: PreprocessSpec,
): Promise<OpenedImage> {
  const image = await decodeImage(blob, name);
  const { view, pixels } = prepareImage(image, preprocess);
  const id = `image-${(await sha256(blobSource(blob, name))).slice(0, 16)}`;
  const { width, height } = image;
  return {
    input: { id, pixels },
    info: { id, name, width, height, view: { size: preprocess.size, rgba: view } },
  };
}
