import { z } from "zod";
import type { PreprocessSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import type { ModelOverrides } from "./overrides.ts";

const positive = z.int().positive();
const triple = z.tuple([z.number(), z.number(), z.number()]);
const spread = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

/** A size: one number, a shorter side, or height and width. */
const sizeSchema = z.union([
  positive,
  z.object({ shortest_edge: positive, longest_edge: z.null().optional() }),
  z.object({ height: positive, width: positive }),
]);

/** preprocessor_config.json as Transformers' image processors write it; other keys are allowed and ignored. */
const schema = z.object({
  image_processor_type: z.string().optional(),
  feature_extractor_type: z.string().optional(),
  do_resize: z.boolean().optional(),
  size: sizeSchema.optional(),
  patch_size: positive.optional(),
  max_num_patches: positive.optional(),
  resample: z.int().optional(),
  do_center_crop: z.boolean().optional(),
  crop_size: sizeSchema.optional(),
  do_rescale: z.boolean().optional(),
  rescale_factor: z.number().positive().optional(),
  do_normalize: z.boolean().optional(),
  image_mean: triple.optional(),
  image_std: spread.optional(),
});

/** What a family's image processor does by itself, in terms of its encoder's input size. */
export interface ProcessorDefaults {
  readonly mode: PreprocessSpec["mode"];
  /** Resize target over input size, e.g. 256 / 224. */
  readonly resizeRatio: number;
  readonly interpolation: PreprocessSpec["interpolation"];
  readonly crops: boolean;
  readonly mean: PreprocessSpec["mean"];
  readonly std: PreprocessSpec["std"];
}

/** PIL's codes of resampling filters. */
const FILTER_CODES: Readonly<Record<number, PreprocessSpec["interpolation"]>> = {
  2: "bilinear",
  3: "bicubic",
};
const PIL_NAMES = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** Processors for which one number means a square and not the shorter side (`default_to_square`). */
const SQUARE = /^(ViT|DeiT)/;

const REMEDY = "Put the preprocessor_config.json of this very checkpoint beside it, or leave it out.";

/**
 * Preprocessing of a Transformers image processor, its PIL form: resize (int, {shortest_edge} or {height, width}),
 * centre crop, rescale, normalise. Rescaling by another factor than 1/255, or none of the two, is folded into mean
 * and deviation.
 * @param nativeSize side of the input that the model config states, pixels; used where the file states none
 * @param assume is told of each default that neither file nor user stated
 * @throws InputError for a processor whose result is no fixed square, or with another filter
 */
export function hfPreprocess(
  file: unknown,
  defaults: ProcessorDefaults,
  nativeSize: number,
  overrides: ModelOverrides,
  assume: (text: string) => void,
): PreprocessSpec {
  const stated = parse(file);
  if (stated.do_resize === false) {
    throw refuse("do_resize", "true: the encoder takes one size", "false");
  }
  const crops = stated.do_center_crop ?? defaults.crops;
  const { size, resize, mode } = sizesOf(stated, defaults, crops, nativeSize);
  const { mean, std } = normalisationOf(stated, defaults);
  const interpolation = filterOf(stated.resample) ?? defaults.interpolation;
  if (file === null) {
    const steps = `${mode === "squash" ? "squash" : "shorter side"} to ${resize}, crop to ${size}, ${interpolation}`;
    assume(`the family's preprocessing (no preprocessor_config.json): ${steps}`);
  }
  const spec: PreprocessSpec = { size, mode, resize, interpolation, mean, std, crop: "hf" };
  return withOverrides(spec, overrides);
}

/** The user's input size and normalisation in place of the checkpoint's; the resize keeps its ratio to the crop. */
export function withOverrides(spec: PreprocessSpec, overrides: ModelOverrides): PreprocessSpec {
  const { inputSize, normalisation } = overrides;
  const size = inputSize ?? spec.size;
  return {
    ...spec,
    size,
    resize: Math.round((spec.resize * size) / spec.size),
    ...(normalisation && NORMALISATIONS[normalisation]),
  };
}

type Stated = z.infer<typeof schema>;

function parse(file: unknown): Stated {
  const result = schema.safeParse(file ?? {});
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw refuse(path.join("."), "a value that this program can use", message);
}

function refuse(field: string, expected: string, got: string): InputError {
  const subject = field ? `preprocessor_config.json, ${field}` : "preprocessor_config.json";
  return new InputError(subject, expected, got, REMEDY);
}

function sizesOf(stated: Stated, defaults: ProcessorDefaults, crops: boolean, nativeSize: number) {
  const kind = stated.image_processor_type ?? stated.feature_extractor_type;
  const bareIsSquare = kind ? SQUARE.test(kind) : defaults.mode === "squash";
  const target = stated.size === undefined ? null : sideOf(stated.size, "size");
  const usual = squareOf(stated) ?? nativeSize;
  const isSquare = typeof stated.size === "object" ? "height" in stated.size : bareIsSquare;
  const mode: PreprocessSpec["mode"] =
    target === null ? defaults.mode : isSquare ? "squash" : "shortest-edge";
  const crop = stated.crop_size === undefined ? null : sideOf(stated.crop_size, "crop_size");
  if (!crops) {
    const side = target ?? usual;
    if (mode === "squash") return { size: side, resize: side, mode };
    const got = "a shorter side without a centre crop";
    throw refuse("do_center_crop", "a result that is square", got);
  }
  const size = crop ?? usual;
  return { size, resize: target ?? Math.round(size * defaults.resizeRatio), mode };
}

/** Side of the largest square that fits into a NaFlex processor's number of patches; null = the file has no such. */
function squareOf({ max_num_patches: patches, patch_size: side }: Stated): number | null {
  return patches && side ? Math.floor(Math.sqrt(patches)) * side : null;
}

function sideOf(size: NonNullable<Stated["size"]>, field: string): number {
  if (typeof size === "number") return size;
  if ("shortest_edge" in size) return size.shortest_edge;
  if (size.height === size.width) return size.height;
  throw refuse(field, "a square", `${size.width} x ${size.height}`);
}

function filterOf(code: number | undefined): PreprocessSpec["interpolation"] | null {
  if (code === undefined) return null;
  const known = FILTER_CODES[code];
  if (known) return known;
  throw refuse("resample", "2 (bilinear) or 3 (bicubic)", `${code} (${PIL_NAMES[code] ?? "unknown"})`);
}

/** Mean and deviation of values in [0, 1]: (v f - m) / s = (v / 255 - m / (255 f)) / (s / (255 f)). */
function normalisationOf(stated: Stated, defaults: ProcessorDefaults): Pick<PreprocessSpec, "mean" | "std"> {
  const normalises = stated.do_normalize ?? true;
  const mean: PreprocessSpec["mean"] = normalises ? (stated.image_mean ?? defaults.mean) : [0, 0, 0];
  const std: PreprocessSpec["std"] = normalises ? (stated.image_std ?? defaults.std) : [1, 1, 1];
  const factor = stated.do_rescale === false ? 1 : (stated.rescale_factor ?? 1 / 255);
  const unit = 255 * factor;
  // 0.00392156862745098, as the files write 1/255, is that number exactly.
  if (Math.abs(unit - 1) < 1e-12) return { mean, std };
  const scaled = (of: PreprocessSpec["mean"]): PreprocessSpec["mean"] => [
    of[0] / unit,
    of[1] / unit,
    of[2] / unit,
  ];
  return { mean: scaled(mean), std: scaled(std) };
}
