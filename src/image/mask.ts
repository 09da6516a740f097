import type { PreprocessSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { prepareImage } from "./preprocess.ts";
import type { RgbaImage } from "./rgba-image.ts";

/** Which part of an image stays: the other one is zeroed (paper, Figure 4). */
export const KEEPS = ["foreground", "background"] as const;
export type Keep = (typeof KEEPS)[number];

/** A foreground mask on the encoder's input. */
export interface PixelMask {
  /** Equal ids mean equal masks: it is part of the cache key of a run. */
  readonly id: string;
  /** 1 = foreground, 0 = background, [size, size]. */
  readonly inside: Uint8Array;
}

/** Largest relative difference between the aspects of a mask and its image: both were rounded to whole pixels. */
const SAME_ASPECT = 0.02;

/** Most of a mask that may be neither black nor white, 0..1: soft edges are, and a photograph is almost everywhere. */
const MOST_GREY = 0.25;
/** How far from black or white a channel may be: JPEG files and resized masks are not exact. */
const NEARLY = 64;

/**
 * A mask as the encoder sees it: resized and cropped as its image is, then foreground where it is at least half white
 * (red channel), [size, size].
 * @param name of the mask, for messages
 * @throws InputError when its aspect is not the image's, when much of it is neither black nor white, or when it is all foreground or all background
 */
export function prepareMask(
  mask: RgbaImage,
  image: { readonly width: number; readonly height: number },
  spec: PreprocessSpec,
  name: string,
): Uint8Array {
  const aspect = (size: { width: number; height: number }) => size.width / size.height;
  if (Math.abs(aspect(mask) / aspect(image) - 1) > SAME_ASPECT) {
    throw new InputError(
      name,
      `a mask of the image's shape (${image.width} x ${image.height})`,
      `${mask.width} x ${mask.height}`,
      "Save the mask at the image's size: white where the foreground is.",
    );
  }
  const grey = greyShare(mask);
  if (grey > MOST_GREY) {
    throw new InputError(
      name,
      "a mask: white where the foreground is, black elsewhere",
      `an image of which ${Math.round(grey * 100)} % is neither black nor white`,
      "Choose the mask of the image, not the image itself, or paint one.",
    );
  }
  const { view } = prepareImage(mask, spec);
  const inside = Uint8Array.from({ length: spec.size ** 2 }, (_, i) => (view[i * 4]! >= 128 ? 1 : 0));
  requireBothParts(inside, name);
  return inside;
}

/** Part of a mask's pixels, 0..1, that is neither nearly black nor nearly white. */
function greyShare({ data }: RgbaImage): number {
  let grey = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [low, high] = [
      Math.min(data[i]!, data[i + 1]!, data[i + 2]!),
      Math.max(data[i]!, data[i + 1]!, data[i + 2]!),
    ];
    if (high > NEARLY && low < 255 - NEARLY) grey += 4;
  }
  return grey / data.length;
}

/** @throws InputError when a mask has no foreground or no background */
export function requireBothParts(inside: Uint8Array, name: string): void {
  const share = foregroundShare(inside);
  if (share > 0 && share < 1) return;
  throw new InputError(
    name,
    "white foreground and black background",
    share === 0 ? "no foreground" : "no background",
    "Paint or choose a mask that has both.",
  );
}

/** Part of the pixels that are foreground, 0..1. */
export function foregroundShare(inside: Uint8Array): number {
  return inside.reduce((sum, value) => sum + value, 0) / inside.length;
}

/**
 * Zeroes one part of normalised pixels. Zero there is the mean colour of the model's normalisation, so the part that
 * is left out becomes a uniform area of that colour.
 * @param pixels [3, size, size]
 */
export function maskPixels(pixels: Float32Array, { inside }: PixelMask, keep: Keep): Float32Array {
  const kept = keep === "foreground" ? 1 : 0;
  return pixels.map((value, i) => (inside[i % inside.length] === kept ? value : 0));
}
