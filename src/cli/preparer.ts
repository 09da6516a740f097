import type { EncoderSpec } from "../encoder/spec.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";

/** Image -> normalised pixels [3, size, size], as the encoder's preprocess says. */
export function preparer(spec: EncoderSpec): (image: RgbaImage) => Float32Array {
  return (image) => prepareImage(image, spec.preprocess).pixels;
}
