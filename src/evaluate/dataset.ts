import type { RgbaImage } from "../image/rgba-image.ts";

/** Labelled images, read one at a time, so that a set may be larger than memory. */
export interface LabelledSet {
  /** For people and for reports, e.g. the folder's name. */
  readonly name: string;
  /** Class names; a label is an index into them. */
  readonly classes: readonly string[];
  readonly count: number;
  /** Class of image `i`, 0 <= i < count. */
  label(i: number): number;
  /** Pixels of image `i`; rejects with an InputError when it cannot be decoded. */
  image(i: number): Promise<RgbaImage>;
  /** Identifies the image among all sets that are open: equal ids mean equal pixels. */
  id(i: number): string;
  /** File of image `i`, not decoded, so that another thread can; absent = only `image` gives it. */
  encoded?(i: number): Promise<ImageFile>;
  /** Foreground of image `i`, white on black, of its shape; absent = the set has no masks. */
  mask?(i: number): Promise<RgbaImage>;
  /** Digest of what the set consists of (names and sizes), to know it again later; absent = cannot be known. */
  readonly fingerprint?: string;
}

/** An image file whose bytes have not been decoded. */
export interface ImageFile {
  /** For messages. */
  readonly name: string;
  readonly blob: Blob;
}
