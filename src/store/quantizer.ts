import { type Quantization, quantizationSchema } from "../intervention/quantization.ts";
import { CALIBRATION_IMAGES } from "../quantize/calibrate.ts";
import { statisticsKind } from "../quantize/statistics.ts";

/** Settings of the quantizer beside bits and weight scales; absent fields mean the paper's naive one. */
export type Quantizer = Omit<
  Quantization,
  "weightBits" | "activationBits" | "weightGranularity" | "calibration"
>;

/** `fp32`, or the bits of weights and activations. */
export type Bits = "fp32" | `w${number}a${number}`;
export type QuantizedBits = Exclude<Bits, "fp32">;

/** Bit widths of the paper's tables, which the controls offer first. */
export const BITS = ["fp32", "w8a8", "w6a6", "w4a4"] as const satisfies readonly Bits[];

/** Which images a calibrated quantizer takes its statistics over. */
export interface CalibrationChoice {
  /** `dataset`: the probe images of the data set in use, never its test images; else the number of a source of the user's own. */
  readonly images: "dataset" | number;
  /** At most so many. */
  readonly limit: number;
}

export const DATASET_CALIBRATION: CalibrationChoice = { images: "dataset", limit: CALIBRATION_IMAGES };

/** What quantizations and links name the images by: `dataset` (32 of them), `dataset-64`, `own1-64`. */
export function calibrationName({ images, limit }: CalibrationChoice): string {
  if (images !== "dataset") return `own${images}-${limit}`;
  return limit === CALIBRATION_IMAGES ? images : `${images}-${limit}`;
}

/** The choice that a link's name means; images of the user's own do not come with a link. */
export function calibrationNamed(name: string | undefined): CalibrationChoice {
  const limit = Number(/^dataset-(\d{1,6})$/.exec(name ?? "")?.[1] ?? CALIBRATION_IMAGES);
  return { images: "dataset", limit: Math.max(1, limit) };
}

/** The bits of a quantization. */
export function bitsOf(quantize: Quantization | null): Bits {
  return quantize ? `w${quantize.weightBits}a${quantize.activationBits}` : "fp32";
}

/** Weight and activation bits of e.g. `w8a6`. */
export function parseBits(bits: QuantizedBits): { weightBits: number; activationBits: number } {
  const [weightBits, activationBits] = bits.slice(1).split("a").map(Number);
  return { weightBits: weightBits!, activationBits: activationBits! };
}

/** The quantization that the controls show; calibrated ones name the page's images. */
export function quantizationFor(
  bits: QuantizedBits,
  weightGranularity: Quantization["weightGranularity"],
  quantizer: Quantizer,
  calibration: CalibrationChoice = DATASET_CALIBRATION,
): Quantization {
  const quantize: Quantization = { ...parseBits(bits), weightGranularity, ...quantizer };
  return statisticsKind(quantize) ? { ...quantize, calibration: calibrationName(calibration) } : quantize;
}

/** The quantizer of a quantization. */
export function quantizerOf(quantize: Quantization): Quantizer {
  const {
    weightBits: _weights,
    activationBits: _activations,
    weightGranularity: _scales,
    calibration: _images,
    ...quantizer
  } = quantize;
  return quantizer;
}

/**
 * Bits and quantizer after a change. What contradicts the change is taken back to its default, since the change is what the
 * user wants now: int8 makes the bits W8A8, other bits end int8, PTQ4ViT takes ranges and clipping over.
 */
export function changeQuantizer(
  old: { readonly bits: Bits; readonly quantizer: Quantizer },
  change: {
    readonly bits?: Bits;
    readonly quantizer?: { readonly [K in keyof Quantizer]?: Quantizer[K] | undefined };
  },
): { bits: Bits; quantizer: Quantizer } {
  let bits = change.bits ?? old.bits;
  if (change.quantizer?.arithmetic === "int8") bits = "w8a8";
  let quantizer = withoutAbsent({ ...old.quantizer, ...change.quantizer });
  const kept = Object.keys(change.quantizer ?? {});
  for (;;) {
    const shown = bits === "fp32" ? "w8a8" : bits;
    const parsed = quantizationSchema.safeParse(quantizationFor(shown, "per-tensor", quantizer));
    if (parsed.success) return { bits, quantizer };
    const paths = parsed.error.issues.map(({ path }) => String(path[0]));
    // The schema names one side of a contradiction; where that is what was just chosen, the other sides go.
    const against = paths.find((path) => !kept.includes(path) && path in quantizer);
    const other =
      against ?? Object.keys(quantizer).find((key) => !kept.includes(key) && OPTIONAL.includes(key));
    if (other === undefined) return old;
    quantizer = withoutAbsent({ ...quantizer, [other]: undefined });
  }
}

/** Fields that may be taken back to the default; blocks and linears say where, and contradict nothing. */
const OPTIONAL: readonly string[] = [
  "base",
  "scaleSearch",
  "attention",
  "range",
  "excludeOutliers",
  "activationGranularity",
  "smoothQuant",
  "activationScheme",
  "clip",
  "arithmetic",
];

function withoutAbsent(quantizer: { readonly [K in keyof Quantizer]?: Quantizer[K] | undefined }): Quantizer {
  return Object.fromEntries(
    Object.entries(quantizer).filter(([, value]) => value !== undefined),
  ) as Quantizer;
}
