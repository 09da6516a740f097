import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { canonicalWeights } from "./canonical.ts";
import { checkTensors } from "./check-tensors.ts";
import type { ConfigFiles } from "./config-files.ts";
import type { Family, OpenedEncoder } from "./family.ts";
import { gridAt, positionResize, squareGrid } from "./grid.ts";
import { withOverrides } from "./hf-preprocess.ts";
import type { ModelOverrides } from "./overrides.ts";
import { epsilon } from "./overrides.ts";
import { ANTIALIASED_BICUBIC } from "./positions.ts";
import { expectedTensors, readSizes, type Sizes } from "./sizes.ts";
import { hasTanhGelu, timmHeads } from "./timm-architectures.ts";
import { configSize, parseTimmConfig, squareSide, type TimmConfig, timmPreprocess } from "./timm-config.ts";
import { timmNames } from "./timm-names.ts";

/**
 * timm's `VisionTransformer` (timm/models/vision_transformer.py) and the many models that keep its names:
 * AugReg ViT, DeiT, DeiT-3, FlexiViT, DINO, DINOv2 with and without registers, CLIP and SigLIP towers.
 */
export const timmVit: Family = {
  id: "timm-vit",
  title: "timm VisionTransformer",
  marks: [["patch_embed.proj.weight", "blocks.0.attn.qkv.weight"]],
  open,
};

const REMEDY = "Choose the model.safetensors of a plain timm vision transformer.";

/** What the presence of a tensor tells. */
interface Parts {
  readonly preNorm: boolean;
  readonly fcNorm: boolean;
}

function open(weights: Safetensors, configs: ConfigFiles, overrides: ModelOverrides): OpenedEncoder {
  const config = configs.config == null ? null : parseTimmConfig(configs.config);
  const names = timmNames(weights);
  const sizes = readSizes(weights, names, REMEDY);
  refuseDistilled(weights);
  checkTensors(weights, expectedTensors(weights, names, sizes), () => false, REMEDY);
  const parts: Parts = {
    preNorm: weights.tensors.has("norm_pre.weight"),
    fcNorm: weights.tensors.has("fc_norm.weight"),
  };
  const assumptions: string[] = [];
  const assume = (text: string) => assumptions.push(text);
  const { grid: native, embeddedLeading } = readGrid(weights.name, sizes, config);
  if (config) checkAgreement(config, sizes, native * sizes.patch);
  const preprocess = withOverrides(
    timmPreprocess(config, overrides, native * sizes.patch, assume),
    overrides,
  );
  const grid = gridAt(preprocess.size, sizes.patch);
  const spec: EncoderSpec = {
    family: timmVit.id,
    label: config?.architecture ?? weights.name,
    blocks: sizes.blocks,
    width: sizes.width,
    heads: readHeads(sizes, config, assume),
    mlpWidth: sizes.mlpWidth,
    patch: sizes.patch,
    grid,
    hasCls: sizes.hasCls,
    trainedRegisters: sizes.registers,
    tokens: grid * grid + leadingOf(sizes),
    layerNormEps: readEps(parts, config, overrides, assume),
    activation: readActivation(config, sizes),
    pooling: readPooling(sizes, parts, config, assume),
    classes: sizes.classes,
    classNames: config?.label_names ?? null,
    preprocess,
    assumptions,
    outlierOrigin: config?.outliers?.origin ?? null,
  };
  const canonical = canonicalWeights(weights, names, sizes, {
    embeddedLeading,
    // timm `resample_abs_pos_embed`
    resize: positionResize(native, grid, ANTIALIASED_BICUBIC),
    normAfterPool: parts.fcNorm,
    classifierInput: "feature",
  });
  return { spec, weights: canonical };
}

function refuseDistilled(weights: Safetensors): void {
  if (!weights.tensors.has("dist_token") && !weights.tensors.has("head_dist.weight")) return;
  const remedy = "Choose a plain one, or the distilled DeiT in Transformers' layout.";
  const got = "a distilled DeiT (dist_token, head_dist)";
  throw new InputError(weights.name, "one CLS token and one head", got, remedy);
}

function leadingOf(sizes: Sizes): number {
  return (sizes.hasCls ? 1 : 0) + sizes.registers;
}

/** pos_embed covers either every token or patches only (timm's `no_embed_class`); the patches form a square. */
function readGrid(
  name: string,
  sizes: Sizes,
  config: TimmConfig | null,
): { grid: number; embeddedLeading: number } {
  const stated = config?.model_args?.no_embed_class;
  const all = leadingOf(sizes);
  const candidates = stated === undefined ? [all, 0] : [stated ? 0 : all];
  return squareGrid(`${name}, tensor pos_embed`, sizes.positions, candidates);
}

function readHeads(sizes: Sizes, config: TimmConfig | null, assume: (text: string) => void): number {
  const { width } = sizes;
  const stated = config?.model_args?.num_heads;
  const isGated = sizes.fc1Width !== sizes.mlpWidth;
  const heads = stated ?? timmHeads(width, isGated, config?.architecture ?? null);
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
  if (stated === undefined)
    assume(`${heads} ${heads === 1 ? "head" : "heads"} (${width / heads} channels each)`);
  return heads;
}

function readEps(
  parts: Parts,
  config: TimmConfig | null,
  overrides: ModelOverrides,
  assume: (text: string) => void,
): number {
  const stated = overrides.layerNormEps ?? config?.norm_eps;
  if (stated !== undefined) return epsilon(stated);
  // timm builds the models that have `norm_pre` (CLIP's) with 1e-5 and all others with 1e-6.
  const eps = parts.preNorm ? 1e-5 : 1e-6;
  assume(`LayerNorm epsilon ${eps.toExponential()}`);
  return eps;
}

/** `SwiGLUPacked` where the MLP is gated: no published plain VisionTransformer is gated otherwise, or has a bare SiLU. */
function readActivation(config: TimmConfig | null, sizes: Sizes): EncoderSpec["activation"] {
  const stated = config?.model_args?.act_layer;
  const gated = sizes.fc1Width !== sizes.mlpWidth;
  if (stated && gated !== (stated === "silu")) {
    const expected = gated ? '"silu", as the MLP is gated' : "a kind of GELU, as the MLP is not gated";
    throw new InputError("config.json, model_args.act_layer", expected, `"${stated}"`, REMEDY);
  }
  if (gated) return "swiglu";
  if (stated && stated !== "silu") return stated;
  if (config?.architecture.includes("quickgelu")) return "quick_gelu";
  return config && hasTanhGelu(config.architecture) ? "gelu_tanh" : "gelu";
}

function readPooling(
  sizes: Sizes,
  parts: Parts,
  config: TimmConfig | null,
  assume: (text: string) => void,
): EncoderSpec["pooling"] {
  const stated = config?.model_args?.global_pool ?? config?.global_pool;
  const hasMap = sizes.mapWidth > 0;
  const known = { avg: "mean", token: "cls", map: "map" } as const;
  const pooling = known[stated as keyof typeof known];
  const fits = pooling !== undefined && (pooling === "map") === hasMap && (pooling !== "cls" || sizes.hasCls);
  if (stated !== undefined && !fits) {
    const kinds = hasMap ? '"map", as there is an attn_pool' : '"avg", as there is no CLS token';
    throw new InputError(
      "config.json, global_pool",
      sizes.hasCls && !hasMap ? '"token" or "avg"' : kinds,
      JSON.stringify(stated),
      "Choose an encoder that pools by its CLS token, by the mean of its patches or by attention.",
    );
  }
  if (pooling) return pooling;
  if (hasMap) return "map";
  const assumed = sizes.hasCls && !parts.fcNorm ? "cls" : "mean";
  assume(assumed === "cls" ? "the feature is the CLS token" : "the feature is the mean of the patch tokens");
  return assumed;
}

/** Holds every size that the config states against the tensors'. */
function checkAgreement(config: TimmConfig, sizes: Sizes, size: number): void {
  const args = config.model_args ?? {};
  const patch =
    args.patch_size === undefined ? undefined : squareSide(args.patch_size, "model_args.patch_size");
  const mlp = args.mlp_ratio === undefined ? undefined : Math.trunc(args.mlp_ratio * sizes.width);
  const pairs: [field: string, stated: unknown, tensors: unknown][] = [
    ["num_features (width)", config.num_features, sizes.width],
    ["model_args.embed_dim (width)", args.embed_dim, sizes.width],
    ["model_args.depth (blocks)", args.depth, sizes.blocks],
    ["model_args.patch_size", patch, sizes.patch],
    ["model_args.mlp_ratio (width of fc1)", mlp, sizes.fc1Width],
    ["model_args.class_token", args.class_token, sizes.hasCls],
    ["model_args.reg_tokens", args.reg_tokens, sizes.registers],
    ["num_classes", config.num_classes, sizes.classes],
    ["label_names (count)", config.label_names?.length, sizes.classes],
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
