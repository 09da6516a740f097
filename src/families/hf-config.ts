import { z } from "zod";
import type { Elementwise } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { Sizes } from "./sizes.ts";

const positive = z.int().positive();
const side = z.union([positive, z.array(positive).min(1).max(2)]);

/** The fields of a Transformers vision config that change what the weights compute or must agree with them. */
const visionSchema = z.object({
  hidden_size: positive.optional(),
  intermediate_size: positive.optional(),
  num_hidden_layers: positive.optional(),
  num_attention_heads: positive.optional(),
  num_channels: z.literal(3).optional(),
  image_size: side.optional(),
  patch_size: side.optional(),
  mlp_ratio: z.number().positive().optional(),
  hidden_act: z.string().optional(),
  layer_norm_eps: z.number().positive().optional(),
  num_patches: positive.optional(),
  num_register_tokens: z.int().nonnegative().optional(),
  use_swiglu_ffn: z.boolean().optional(),
  projection_dim: positive.optional(),
});

export type HfVision = z.infer<typeof visionSchema>;

const topSchema = z.object({
  model_type: z.string().optional(),
  _name_or_path: z.string().optional(),
  architectures: z.array(z.string()).nullish(),
  vision_config: z.record(z.string(), z.unknown()).nullish(),
  vision_config_dict: z.record(z.string(), z.unknown()).nullish(),
  projection_dim: positive.nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  outliers: z.object({ origin: z.string() }).nullish(),
});

/** A Transformers config, reduced to what an image encoder needs. */
export interface HfConfig {
  readonly vision: HfVision;
  /** Width of the space shared with texts, where the config states one. */
  readonly projectionDim: number | null;
  readonly label: string | null;
  readonly classNames: readonly string[] | null;
  readonly outlierOrigin: string | null;
}

const REMEDY = "Put the config.json of this very checkpoint beside it, or leave it out.";

/**
 * Validates a Transformers config.json and takes the vision part out of it. Fields that a config leaves out have the
 * defaults of its class in Transformers: published configs rely on that (SigLIP's vision_config is all but empty).
 * @param modelTypes the model_type values that belong to the tensors, e.g. ["clip", "clip_vision_model"]
 * @param defaults of the vision config's class
 * @throws InputError naming the first field that is wrong
 */
export function parseHfConfig(config: unknown, modelTypes: readonly string[], defaults: HfVision): HfConfig {
  const top = parsed(topSchema, config, "");
  if (top.model_type === undefined || !modelTypes.includes(top.model_type)) {
    const expected = `model_type ${modelTypes.map((type) => `"${type}"`).join(" or ")}, as the tensors' names say`;
    const got = top.model_type === undefined ? "none" : `"${top.model_type}"`;
    throw new InputError("config.json, model_type", expected, got, REMEDY);
  }
  const nested = (top.vision_config ?? top.vision_config_dict) ? "vision_config" : "";
  const stated: object = nested
    ? {
        ...top.vision_config,
        // CLIPConfig: a vision_config_dict wins, with the class' defaults for what it leaves out.
        ...(top.vision_config_dict && { ...defaults, ...top.vision_config_dict }),
      }
    : Object(config);
  const present = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== null));
  const vision = parsed(visionSchema, present, nested);
  return {
    vision: { ...defaults, ...vision },
    projectionDim: top.projection_dim ?? (nested ? null : (vision.projection_dim ?? null)),
    label: hubName(top._name_or_path) ?? null,
    classNames: labels(top.id2label),
    outlierOrigin: top.outliers?.origin ?? null,
  };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path: inner, message } = result.error.issues[0]!;
  const where = [path, ...inner].filter((part) => part !== "").join(".");
  const subject = where ? `config.json, ${where}` : "config.json";
  throw new InputError(subject, "a value that this program can use", message, REMEDY);
}

/** `owner/name`; old configs also hold local paths there, which tell the user nothing. */
function hubName(name: string | undefined): string | null {
  return name && /^[\w.-]+\/[\w.-]+$/.test(name) && !name.startsWith(".") ? name : null;
}

/** Names by class index; null when the config has only the placeholders that Transformers fills in. */
function labels(byIndex: Readonly<Record<string, string>> | null | undefined): string[] | null {
  if (!byIndex) return null;
  const count = Object.keys(byIndex).length;
  const names = Array.from({ length: count }, (_, i) => byIndex[String(i)]);
  if (names.some((name) => name === undefined)) return null;
  return names.every((name, i) => name === `LABEL_${i}`) ? null : (names as string[]);
}

/** Both numbers of a size that may be one number or two, when they are equal. */
export function squareSide(value: z.infer<typeof side>, field: string): number {
  if (typeof value === "number") return value;
  const [first, second = first] = value;
  if (first === second) return first!;
  throw new InputError(`config.json, ${field}`, "a square", `${first} x ${second}`, REMEDY);
}

/** Names of Transformers' `ACT2FN` -> ours. */
const ACTIVATIONS: Readonly<Record<string, Elementwise>> = {
  gelu: "gelu",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_new: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  quick_gelu: "quick_gelu",
};

/** @throws InputError for an activation that the graphs do not have */
export function readActivation(vision: HfVision): Elementwise {
  const known = ACTIVATIONS[vision.hidden_act!];
  if (known) return known;
  const expected = `one of ${Object.keys(ACTIVATIONS).join(", ")}`;
  throw new InputError(
    "config.json, hidden_act",
    expected,
    `"${vision.hidden_act}"`,
    "Choose another encoder.",
  );
}

/**
 * Holds the sizes of a config (or of its class' defaults) against the tensors'.
 * @param grid patches along a side of the position embedding
 * @throws InputError naming the first field that disagrees
 */
export function checkAgreement(
  { vision, projectionDim, classNames }: HfConfig,
  sizes: Sizes,
  grid: number,
): void {
  const patch = vision.patch_size && squareSide(vision.patch_size, "patch_size");
  const image = vision.image_size && squareSide(vision.image_size, "image_size");
  const gated = sizes.fc1Width !== sizes.mlpWidth;
  const plain = vision.mlp_ratio && Math.trunc(vision.mlp_ratio * sizes.width);
  // Dinov2SwiGLUFFN: two thirds of a plain MLP's width, up to a multiple of 8.
  const mlp =
    vision.intermediate_size ??
    (plain && gated ? 8 * Math.floor((Math.trunc((plain * 2) / 3) + 7) / 8) : plain);
  const pairs: [field: string, stated: unknown, tensors: unknown][] = [
    ["hidden_size", vision.hidden_size, sizes.width],
    ["use_swiglu_ffn", vision.use_swiglu_ffn, gated],
    ["num_hidden_layers", vision.num_hidden_layers, sizes.blocks],
    ["patch_size", patch, sizes.patch],
    [vision.intermediate_size ? "intermediate_size" : "mlp_ratio (MLP width)", mlp, sizes.mlpWidth],
    ["image_size (patches along a side)", image && patch && Math.floor(image / patch), grid],
    ["num_patches", vision.num_patches, grid * grid],
    ["num_register_tokens", vision.num_register_tokens, sizes.registers],
    ["projection_dim", sizes.projected > 0 ? (projectionDim ?? undefined) : undefined, sizes.projected],
    ["id2label (classes)", sizes.classes > 0 ? classNames?.length : undefined, sizes.classes],
  ];
  for (const [field, stated, tensors] of pairs) {
    if (stated === undefined || stated === tensors) continue;
    throw new InputError(`config.json, ${field}`, `${tensors}, as the tensors say`, String(stated), REMEDY);
  }
}
