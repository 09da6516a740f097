/** A decoded image, upright (EXIF orientation applied), 8 bits per channel, alpha not premultiplied. */
export interface RgbaImage {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Row by row, [height, width, 4]. */
  readonly data: Uint8ClampedArray;
}
