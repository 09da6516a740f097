import type { PreprocessSpec } from "../encoder/spec.ts";
import { type Region, resizeRgb } from "./resize.ts";
import type { RgbaImage } from "./rgba-image.ts";

/** An image as the encoder takes it, and as a person sees what the encoder takes. */
export interface PreparedImage {
  /** After resize and crop, opaque RGBA, [size, size, 4]. */
  readonly view: Uint8ClampedArray;
  /** Normalised: (value / 255 - mean) / std, [3, size, size]. */
  readonly pixels: Float32Array;
}

/**
 * Resize, centre crop and normalise as torchvision's evaluation transforms do on PIL images (`Resize`,
 * `CenterCrop`, `ToTensor`, `Normalize`) and as transformers' PIL image processors do, equal to the last bit of
 * the resized image. Alpha is dropped, as PIL's
 * `convert("RGB")` does, not blended with a background.
 */
export function prepareImage(image: RgbaImage, spec: PreprocessSpec): PreparedImage {
  const { size } = spec;
  const [width, height] = resizedSize(image.width, image.height, spec);
  const x = cropSpan(width, spec);
  const y = cropSpan(height, spec);
  const region: Region = { left: x.from, top: y.from, width: x.length, height: y.length };
  const { data } = resizeRgb(image, width, height, spec.interpolation, region);

  const view = new Uint8ClampedArray(size * size * 4);
  for (let i = 3; i < view.length; i += 4) view[i] = 255;
  for (let row = 0; row < region.height; row++) {
    let to = ((y.pad + row) * size + x.pad) * 4;
    let from = row * region.width * 3;
    for (let column = 0; column < region.width; column++, to += 4, from += 3) {
      view[to] = data[from]!;
      view[to + 1] = data[from + 1]!;
      view[to + 2] = data[from + 2]!;
    }
  }
  return { view, pixels: normalise(view, spec) };
}

/** Size of the whole resized image, pixels (torchvision `_compute_resized_output_size`). */
function resizedSize(width: number, height: number, spec: PreprocessSpec): [number, number] {
  const { resize } = spec;
  if (spec.mode === "squash") return [resize, resize];
  const long = Math.trunc((resize * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? [resize, long] : [long, resize];
}

/**
 * Where a centre crop lies on an axis; what is missing is black on both sides (torchvision `center_crop`, or
 * transformers `image_transforms.center_crop`, which differ in odd margins).
 */
function cropSpan(
  length: number,
  { size, crop }: PreprocessSpec,
): { from: number; length: number; pad: number } {
  const margin = (length - size) / 2;
  if (margin < 0) return { from: 0, length, pad: crop === "hf" ? Math.ceil(-margin) : Math.floor(-margin) };
  return { from: crop === "hf" ? Math.floor(margin) : roundHalfEven(margin), length: size, pad: 0 };
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** RGBA [size, size, 4] -> normalised [3, size, size], each step rounded to fp32 as torch rounds it. */
function normalise(view: Uint8ClampedArray, spec: PreprocessSpec): Float32Array {
  const area = spec.size * spec.size;
  const pixels = new Float32Array(3 * area);
  const table = new Float32Array(256);
  for (let channel = 0; channel < 3; channel++) {
    const mean = Math.fround(spec.mean[channel]!);
    const std = Math.fround(spec.std[channel]!);
    for (let value = 0; value < 256; value++) {
      table[value] = Math.fround(Math.fround(value / 255) - mean) / std;
    }
    for (let i = 0; i < area; i++) pixels[channel * area + i] = table[view[i * 4 + channel]!]!;
  }
  return pixels;
}
