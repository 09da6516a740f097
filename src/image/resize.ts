import { type Coefficients, coefficients, type FilterName, PRECISION_BITS } from "./coefficients.ts";
import type { RgbaImage } from "./rgba-image.ts";

/** Part of the resized image that is wanted, in its pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** An image without alpha. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8ClampedArray;
}

/** Part of an image, 3 or 4 channels a pixel; `left` and `top` say where it lies in the whole. */
interface Raster {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8ClampedArray;
}

/** Half a unit in fixed point: sums start here, so that the final shift rounds. */
const HALF = 1 << (PRECISION_BITS - 1);

/**
 * `Image.convert("RGB").resize((width, height), filter).crop(region)` of Pillow, equal to the last bit
 * (src/libImaging/Resample.c, `ImagingResampleInner` and the 8-bit passes): two passes in 22-bit fixed point,
 * rounded to 8 bits between them. Horizontal first, or vertical first under the rule that Pillow 13 brought
 * (python-pillow/Pillow#9549); earlier versions differ from it by rounding on images taller than about 2:1.
 * Only the rows and columns that the region needs are computed.
 * @param width, height size of the whole resized image, pixels.
 * @returns the region, [region.height, region.width, 3].
 */
export function resizeRgb(
  image: RgbaImage,
  width: number,
  height: number,
  filter: FilterName,
  region: Region = { left: 0, top: 0, width, height },
): RgbImage {
  const across = coefficients(filter, image.width, width, region.left, region.left + region.width);
  const down = coefficients(filter, image.height, height, region.top, region.top + region.height);
  const whole: Raster = { left: 0, top: 0, channels: 4, ...image };
  const verticalFirst = height < image.height && image.height - height > 2 * (image.width - width);
  return verticalFirst
    ? horizontalPass(verticalPass(whole, down, ...reach(across)), across, 0, region.height)
    : verticalPass(horizontalPass(whole, across, ...reach(down)), down, 0, region.width);
}

/** The inputs that any of an axis' outputs needs: [begin, end). */
function reach({ first, count }: Coefficients): [begin: number, end: number] {
  const last = first.length - 1;
  return [first[0]!, first[last]! + count[last]!];
}

/** Rows [begin, end) of the whole source (0 = the raster's top), each output column a weighted sum of its inputs. */
function horizontalPass(source: Raster, across: Coefficients, begin: number, end: number): Raster {
  const { first, count, weights, stride } = across;
  const { channels, data } = source;
  const width = first.length;
  const out = new Uint8ClampedArray((end - begin) * width * 3);
  let at = 0;
  for (let y = begin; y < end; y++) {
    for (let x = 0; x < width; x++) {
      let from = (y * source.width + first[x]! - source.left) * channels;
      const row = x * stride;
      const n = count[x]!;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      for (let k = 0; k < n; k++, from += channels) {
        const weight = weights[row + k]!;
        r += data[from]! * weight;
        g += data[from + 1]! * weight;
        b += data[from + 2]! * weight;
      }
      // Stores clamp to 0..255, as Pillow's clip8 does.
      out[at++] = r >> PRECISION_BITS;
      out[at++] = g >> PRECISION_BITS;
      out[at++] = b >> PRECISION_BITS;
    }
  }
  return { left: 0, top: begin, width, height: end - begin, channels: 3, data: out };
}

/** Columns [begin, end) of the whole source (0 = the raster's left), each output row a weighted sum of its inputs. */
function verticalPass(source: Raster, down: Coefficients, begin: number, end: number): Raster {
  const { first, count, weights, stride } = down;
  const { channels, data } = source;
  const width = end - begin;
  const height = first.length;
  const out = new Uint8ClampedArray(height * width * 3);
  const sums = new Int32Array(width * 3);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * stride + k]!;
      let from = ((first[y]! + k - source.top) * source.width + begin) * channels;
      for (let at = 0; at < sums.length; at += 3, from += channels) {
        sums[at]! += data[from]! * weight;
        sums[at + 1]! += data[from + 1]! * weight;
        sums[at + 2]! += data[from + 2]! * weight;
      }
    }
    for (let at = 0; at < sums.length; at++) out[y * sums.length + at] = sums[at]! >> PRECISION_BITS;
  }
  return { left: begin, top: 0, width, height, channels: 3, data: out };
}
