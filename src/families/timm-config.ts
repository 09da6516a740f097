import { z } from "zod";
import type { PreprocessSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import type { ModelOverrides } from "./overrides.ts";

const positive = z.int().positive();
const triple = z.tuple([z.number(), z.number(), z.number()]);

const pretrainedSchema = z.object({
  input_size: z.tuple([z.literal(3), positive, positive]).optional(),
  interpolation: z.enum(["bicubic", "bilinear"]).optional(),
  crop_pct: z.number().positive().max(2).optional(),
  crop_mode: z.enum(["center", "squash"]).optional(),
  mean: triple.optional(),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).optional(),
});

const squarePair = z.union([positive, z.tuple([positive, positive])]);

/** Arguments of timm's `VisionTransformer` that change what the weights compute or must agree with them. */
const modelArgsSchema = z.object({
  img_size: squarePair.optional(),
  patch_size: squarePair.optional(),
  embed_dim: positive.optional(),
  depth: positive.optional(),
  num_heads: positive.optional(),
  mlp_ratio: z.number().positive().optional(),
  class_token: z.boolean().optional(),
  reg_tokens: z.int().nonnegative().optional(),
  no_embed_class: z.boolean().optional(),
  global_pool: z.string().optional(),
  pool_include_prefix: z.literal(false).optional(),
  act_layer: z.enum(["gelu", "gelu_tanh", "quick_gelu", "silu"]).nullish(),
});

/** config.json of timm's models on the Hub, as far as it matters here; other keys are allowed and ignored. */
const configSchema = z.object({
  architecture: z.string(),
  num_classes: z.int().nonnegative().optional(),
  num_features: positive.optional(),
  global_pool: z.string().optional(),
  model_args: modelArgsSchema.nullish(),
  pretrained_cfg: pretrainedSchema.nullish(),
  label_names: z.array(z.string()).nullish(),
  norm_eps: z.number().positive().optional(),
  outliers: z.object({ origin: z.string() }).nullish(),
});

export type TimmConfig = z.infer<typeof configSchema>;

const REMEDY =
  "Put the config.json of this very timm vision transformer beside model.safetensors, or leave it out.";

/**
 * Rejects the config of anything but a plain vision transformer of timm's, by the name it gives itself.
 * @throws InputError
 */
export function checkArchitecture(config: unknown): void {
  const named = z.object({ architecture: z.string().optional(), model_type: z.string().optional() });
  const parsed = named.safeParse(config);
  const { architecture, model_type: hfType } = parsed.success ? parsed.data : {};
  const expected =
    "the architecture of a timm vision transformer (vit_..., deit_..., deit3_..., flexivit_...)";
  if (architecture === undefined) {
    const got = hfType === undefined ? "no architecture" : `a Transformers config of model_type "${hfType}"`;
    throw new InputError("config.json", expected, got, REMEDY);
  }
  const plain = /^(vit|deit3?|flexivit)(_|$)/.test(architecture);
  if (!plain || /distilled|rel_?pos|_rope|_rpn_|_pe_/.test(architecture)) {
    throw new InputError("config.json", expected, `"${architecture}"`, REMEDY);
  }
}

/**
 * Validates a timm config.json.
 * @throws InputError naming the first field that is wrong.
 */
export function parseTimmConfig(config: unknown): TimmConfig {
  checkArchitecture(config);
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new InputError(
      `config.json, ${path.join(".")}`,
      "a field that this program can use",
      message,
      REMEDY,
    );
  }
  if (parsed.data.pretrained_cfg) return parsed.data;
  // timm before 0.9 wrote the fields of pretrained_cfg at the top level.
  const flat = pretrainedSchema.safeParse(config);
  return flat.success ? { ...parsed.data, pretrained_cfg: flat.data } : parsed.data;
}

/** Both numbers of a size that timm lets be one number or two, when they are equal. */
export function squareSide(value: z.infer<typeof squarePair>, field: string): number {
  if (typeof value === "number") return value;
  if (value[0] === value[1]) return value[0];
  throw new InputError(`config.json, ${field}`, "a square", `${value[0]} x ${value[1]}`, REMEDY);
}

/** Side of the square input that the config states, pixels; null when it states none. */
export function configSize(config: TimmConfig | null): number | null {
  const { img_size } = config?.model_args ?? {};
  if (img_size !== undefined) return squareSide(img_size, "model_args.img_size");
  const input = config?.pretrained_cfg?.input_size;
  return input ? squareSide([input[1], input[2]], "pretrained_cfg.input_size") : null;
}

/**
 * Preprocessing as timm's `transforms_imagenet_eval` does it: resize to floor(size / crop_pct), centre crop.
 * @param size side of the square input, pixels.
 * @param assume is told of each default that neither config nor user stated.
 */
export function timmPreprocess(
  config: TimmConfig | null,
  overrides: ModelOverrides,
  size: number,
  assume: (text: string) => void,
): PreprocessSpec {
  const stated = config?.pretrained_cfg ?? {};
  if (stated.interpolation === undefined) assume("interpolation bicubic");
  let resize: number;
  if (stated.crop_pct === undefined) {
    resize = Math.round(size / 0.875);
    assume(`resize to ${resize} before the crop to ${size} (crop_pct 0.875)`);
  } else {
    resize = Math.floor(size / stated.crop_pct);
  }
  const { mean, std } = stated;
  if ((mean === undefined || std === undefined) && !overrides.normalisation) {
    assume("pixels normalised with mean = std = 0.5");
  }
  return {
    size,
    mode: stated.crop_mode === "squash" ? "squash" : "shortest-edge",
    resize,
    interpolation: stated.interpolation ?? "bicubic",
    mean: mean ?? NORMALISATIONS.half.mean,
    std: std ?? NORMALISATIONS.half.std,
  };
}
