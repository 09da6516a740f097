import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { Family, OpenedEncoder } from "./family.ts";
import type { ModelOverrides } from "./overrides.ts";
import { configSize, parseTimmConfig, squareSide, type TimmConfig, timmPreprocess } from "./timm-config.ts";
import { readTimmShapes, type TimmShapes } from "./timm-layout.ts";
import { timmWeights } from "./timm-weights.ts";

/**
 * timm's `VisionTransformer` (timm/models/vision_transformer.py) and the many models that keep its names:
 * AugReg ViT, DeiT, DeiT-3, FlexiViT, DINO, DINOv2 with and without registers.
 */
export const timmVit: Family = {
  id: "timm-vit",
  title: "timm VisionTransformer",
  marks: ["patch_embed.proj.weight", "blocks.0.attn.qkv.weight"],
  open,
};

function open(weights: Safetensors, rawConfig: unknown, overrides: ModelOverrides): OpenedEncoder {
  const config = rawConfig === null ? null : parseTimmConfig(rawConfig);
  const shapes = readTimmShapes(weights);
  const assumptions: string[] = [];
  const assume = (text: string) => assumptions.push(text);
  const { grid, embeddedLeading } = readGrid(weights.name, shapes, config);
  const size = grid * shapes.patch;
  if (config) checkAgreement(config, shapes, size);
  const spec: EncoderSpec = {
    family: timmVit.id,
    label: config?.architecture ?? weights.name,
    blocks: shapes.blocks,
    width: shapes.width,
    heads: readHeads(shapes.width, config, assume),
    mlpWidth: shapes.mlpWidth,
    patch: shapes.patch,
    grid,
    hasCls: shapes.hasCls,
    trainedRegisters: shapes.registers,
    tokens: grid * grid + leadingOf(shapes),
    layerNormEps: readEps(shapes, config, overrides, assume),
    activation: readActivation(config),
    pooling: readPooling(shapes, config, assume),
    classes: shapes.classes,
    classNames: config?.label_names ?? null,
    preprocess: timmPreprocess(config, overrides, size, assume),
    assumptions,
    outlierOrigin: config?.outliers?.origin ?? null,
  };
  return { spec, weights: timmWeights(weights, shapes, embeddedLeading) };
}

function leadingOf(shapes: TimmShapes): number {
  return (shapes.hasCls ? 1 : 0) + shapes.registers;
}

/** pos_embed covers either every token or patches only (timm's `no_embed_class`); the patches form a square. */
function readGrid(
  name: string,
  shapes: TimmShapes,
  config: TimmConfig | null,
): { grid: number; embeddedLeading: number } {
  const stated = config?.model_args?.no_embed_class;
  const all = leadingOf(shapes);
  const candidates = stated === undefined ? [all, 0] : [stated ? 0 : all];
  for (const embeddedLeading of candidates) {
    const grid = Math.sqrt(shapes.positions - embeddedLeading);
    if (Number.isInteger(grid) && grid > 0) return { grid, embeddedLeading };
  }
  throw new InputError(
    `${name}, tensor pos_embed`,
    `a square number of patches, with or without ${all} more rows for CLS and registers`,
    `${shapes.positions} rows`,
    "Choose a checkpoint for square images.",
  );
}

function readHeads(width: number, config: TimmConfig | null, assume: (text: string) => void): number {
  const stated = config?.model_args?.num_heads;
  const heads = stated ?? width / 64;
  if (!Number.isInteger(heads) || width % heads !== 0) {
    throw new InputError(
      stated === undefined ? "Number of attention heads" : "config.json, model_args.num_heads",
      stated === undefined
        ? "a width that is a multiple of 64, or a config"
        : `a divisor of the width ${width}`,
      stated === undefined ? `width ${width} and no model_args.num_heads` : String(stated),
      "Put a config.json with model_args.num_heads beside model.safetensors.",
    );
  }
  if (stated === undefined) assume(`${heads} ${heads === 1 ? "head" : "heads"} (64 channels each)`);
  return heads;
}

function readEps(
  shapes: TimmShapes,
  config: TimmConfig | null,
  overrides: ModelOverrides,
  assume: (text: string) => void,
): number {
  const stated = overrides.layerNormEps ?? config?.norm_eps;
  if (stated !== undefined) {
    if (Number.isFinite(stated) && stated > 0 && stated < 1) return stated;
    throw new InputError(
      "LayerNorm epsilon",
      "a number above 0 and below 1",
      String(stated),
      "For example 1e-6.",
    );
  }
  // timm builds the models that have `norm_pre` (CLIP's) with 1e-5 and all others with 1e-6.
  const eps = shapes.has.preNorm ? 1e-5 : 1e-6;
  assume(`LayerNorm epsilon ${eps.toExponential()}`);
  return eps;
}

function readActivation(config: TimmConfig | null): EncoderSpec["activation"] {
  const stated = config?.model_args?.act_layer;
  if (stated) return stated;
  return config?.architecture.includes("quickgelu") ? "quick_gelu" : "gelu";
}

function readPooling(
  shapes: TimmShapes,
  config: TimmConfig | null,
  assume: (text: string) => void,
): EncoderSpec["pooling"] {
  const stated = config?.model_args?.global_pool ?? config?.global_pool;
  if (stated === "avg") return "mean";
  if (stated === "token" && shapes.hasCls) return "cls";
  if (stated !== undefined) {
    throw new InputError(
      "config.json, global_pool",
      shapes.hasCls ? '"token" or "avg"' : '"avg", as there is no CLS token',
      JSON.stringify(stated),
      "Choose an encoder that pools by its CLS token or by the mean of its patches.",
    );
  }
  const pooling = shapes.hasCls && !shapes.has.fcNorm ? "cls" : "mean";
  assume(pooling === "cls" ? "the feature is the CLS token" : "the feature is the mean of the patch tokens");
  return pooling;
}

/** Holds every size that the config states against the tensors'. */
function checkAgreement(config: TimmConfig, shapes: TimmShapes, size: number): void {
  const args = config.model_args ?? {};
  const patch =
    args.patch_size === undefined ? undefined : squareSide(args.patch_size, "model_args.patch_size");
  const mlp = args.mlp_ratio === undefined ? undefined : Math.trunc(args.mlp_ratio * shapes.width);
  const pairs: [field: string, stated: unknown, tensors: unknown][] = [
    ["num_features (width)", config.num_features, shapes.width],
    ["model_args.embed_dim (width)", args.embed_dim, shapes.width],
    ["model_args.depth (blocks)", args.depth, shapes.blocks],
    ["model_args.patch_size", patch, shapes.patch],
    ["model_args.mlp_ratio (MLP width)", mlp, shapes.mlpWidth],
    ["model_args.class_token", args.class_token, shapes.hasCls],
    ["model_args.reg_tokens", args.reg_tokens, shapes.registers],
    ["num_classes", config.num_classes, shapes.classes],
    ["label_names (count)", config.label_names?.length, shapes.classes],
    ["input size", configSize(config) ?? undefined, size],
  ];
  for (const [field, stated, tensors] of pairs) {
    if (stated === undefined || stated === tensors) continue;
    throw new InputError(
      `config.json, ${field}`,
      `${tensors}, as the tensors say`,
      String(stated),
      "Put the config.json of this very checkpoint beside it, or leave it out.",
    );
  }
}
