import type { Quantization } from "../intervention/quantization.ts";

/**
 * A uniform grid in the form that the graphs take: x_q = scale * round(clamp(x / scale, low, high)). `low` and `high` are the
 * outermost levels less the zero point, both integers.
 */
export interface Grid {
  readonly scale: number;
  readonly low: number;
  readonly high: number;
}

/** A range of values, min <= 0 <= max not required. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Keeps the scale of an all-zero tensor from dividing by zero. */
const SMALLEST_SCALE = 1e-30;

/** qmax = 2^(bits-1) - 1, the largest level of a symmetric grid. */
export function largestLevel(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

/** s = max|x| / qmax, levels -qmax..qmax. */
export function symmetricGrid({ min, max }: Range, bits: number): Grid {
  const high = largestLevel(bits);
  const scale = Math.max(Math.fround(Math.max(max, -min) / high), SMALLEST_SCALE);
  return { scale, low: -high, high };
}

/** s = (max - min) / (2^b - 1), z = round(-min / s), over the range widened to hold zero (as ONNX DynamicQuantizeLinear). */
export function asymmetricGrid({ min, max }: Range, bits: number): Grid {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const levels = 2 ** bits - 1;
  const scale = Math.max(Math.fround((high - low) / levels), SMALLEST_SCALE);
  const zero = roundHalfEven(-low / scale);
  return { scale, low: 0 - zero, high: levels - zero };
}

/** The range that a clipping setting leaves. */
export function clipRange({ min, max }: Range, clip: Quantization["clip"]): Range {
  if (!clip) return { min, max };
  if (clip.kind === "ratio") return { min: min * clip.ratio, max: max * clip.ratio };
  return { min: Math.max(min, -clip.limit), max: Math.min(max, clip.limit) };
}

/** One value on a grid. */
export function snap(x: number, { scale, low, high }: Grid): number {
  return scale * roundHalfEven(Math.min(Math.max(x / scale, low), high));
}

/** 1.5 * 2^52: adding and subtracting it rounds an fp64 number of magnitude < 2^51 in the processor's mode, half to even. */
const ROUNDING_MAGIC = 6755399441055744;

/** Nearest integer, ties to the even one (as torch.round and numpy.rint), of |x| < 2^51. */
export function roundHalfEven(x: number): number {
  return x + ROUNDING_MAGIC - ROUNDING_MAGIC;
}
