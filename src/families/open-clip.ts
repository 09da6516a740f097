import { z } from "zod";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { canonicalWeights } from "./canonical.ts";
import { checkTensors } from "./check-tensors.ts";
import type { Family } from "./family.ts";
import { gridAt, positionResize, squareGrid } from "./grid.ts";
import type { EncoderNames } from "./names.ts";
import { openClipPreprocess, openClipPreprocessSchema } from "./open-clip-preprocess.ts";
import { epsilon } from "./overrides.ts";
import { ANTIALIASED_BICUBIC } from "./positions.ts";
import { expectedTensors, readSizes, type Sizes } from "./sizes.ts";

const positive = z.int().positive();

/** open_clip_config.json (open_clip `CLIPVisionCfg`, `PreprocessCfg`), as far as it matters here. */
const schema = z.object({
  model_cfg: z.object({
    embed_dim: positive.optional(),
    quick_gelu: z.boolean().optional(),
    vision_cfg: z.object({
      image_size: positive.optional(),
      layers: positive.optional(),
      width: positive.optional(),
      head_width: positive.optional(),
      mlp_ratio: z.number().positive().optional(),
      patch_size: positive.optional(),
      attentional_pool: z.literal(false).optional(),
      final_ln_after_pool: z.boolean().optional(),
      pool_type: z.enum(["tok", "avg"]).optional(),
      norm_kwargs: z.object({ eps: z.number().positive().optional() }).nullish(),
      act_kwargs: z.object({ approximate: z.enum(["none", "tanh"]).optional() }).nullish(),
    }),
  }),
  preprocess_cfg: openClipPreprocessSchema,
});

type OpenClipConfig = z.infer<typeof schema>;

const REMEDY = "Choose the open_clip_model.safetensors and open_clip_config.json of one OpenCLIP ViT.";

const NAMES: EncoderNames = {
  patch: "visual.conv1",
  positions: { name: "visual.positional_embedding", rank: 2 },
  cls: { name: "visual.class_embedding", rank: 1 },
  registers: null,
  preNorm: "visual.ln_pre",
  blocks: "visual.transformer.resblocks.",
  block: {
    norm1: "ln_1",
    qkv: "attn.in_proj",
    proj: "attn.out_proj",
    norm2: "ln_2",
    fc1: "mlp.c_fc",
    fc2: "mlp.c_proj",
    scales: ["ls_1.gamma", "ls_2.gamma"],
  },
  norm: "visual.ln_post",
  map: null,
  projection: { kind: "transposed", tensor: "visual.proj" },
  classifiers: [],
};

/** The text tower (bare or under `text.`) and the scales. */
export const OPEN_CLIP_TEXT =
  /^(text\.|transformer\.resblocks\.|token_embedding\.weight$|positional_embedding$|ln_final\.|text_projection|logit_scale$|logit_bias$|attn_mask$|input_resolution$|context_length$|vocab_size$)/;

/**
 * OpenCLIP's own names (open_clip/transformer.py, `VisionTransformer`), which OpenAI's original CLIP has as well. The
 * feature is the projection of the pooled token.
 */
export const openClip: Family = {
  id: "open-clip",
  title: "OpenCLIP ViT",
  marks: [["visual.conv1.weight", "visual.transformer.resblocks.0.ln_1.weight"]],
  open(weights, configs, overrides) {
    const sizes = readSizes(weights, NAMES, REMEDY);
    checkTensors(
      weights,
      expectedTensors(weights, NAMES, sizes),
      (name) => OPEN_CLIP_TEXT.test(name),
      REMEDY,
    );
    const assumptions: string[] = [];
    const assume = (text: string) => assumptions.push(text);
    const subject = `${weights.name}, tensor ${NAMES.positions.name}`;
    const { grid: native } = squareGrid(subject, sizes.positions, [1]);
    const config = parse(configs.openClip ?? null, assume);
    const vision = config.model_cfg.vision_cfg;
    if (configs.openClip != null) checkAgreement(config, sizes, native);
    const size = vision.image_size ?? native * sizes.patch;
    const preprocess = openClipPreprocess(config.preprocess_cfg, size, overrides);
    const grid = gridAt(preprocess.size, sizes.patch);
    const spec: EncoderSpec = {
      family: openClip.id,
      label: weights.name,
      blocks: sizes.blocks,
      width: sizes.width,
      heads: headsOf(sizes, vision.head_width),
      mlpWidth: sizes.mlpWidth,
      patch: sizes.patch,
      grid,
      hasCls: true,
      trainedRegisters: 0,
      tokens: grid * grid + 1,
      layerNormEps: epsilon(overrides.layerNormEps ?? vision.norm_kwargs?.eps ?? 1e-5),
      activation: activationOf(config),
      pooling: vision.pool_type === "avg" ? "mean" : "cls",
      classes: 0,
      classNames: null,
      preprocess,
      assumptions,
      outlierOrigin: null,
    };
    const canonical = canonicalWeights(weights, NAMES, sizes, {
      embeddedLeading: 1,
      resize: positionResize(native, grid, ANTIALIASED_BICUBIC),
      normAfterPool: vision.final_ln_after_pool ?? false,
      classifierInput: "feature",
    });
    return { spec, weights: canonical };
  },
};

function parse(file: unknown, assume: (text: string) => void): OpenClipConfig {
  if (file === null) {
    assume("erf GELU, 64 channels a head and CLIP's preprocessing (no open_clip_config.json)");
    return { model_cfg: { vision_cfg: {} } };
  }
  const result = schema.safeParse(file);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const subject = `open_clip_config.json, ${path.join(".")}`;
  throw new InputError(subject, "a value that this program can use", message, REMEDY);
}

function activationOf({ model_cfg: { quick_gelu, vision_cfg } }: OpenClipConfig): EncoderSpec["activation"] {
  if (quick_gelu) return "quick_gelu";
  return vision_cfg.act_kwargs?.approximate === "tanh" ? "gelu_tanh" : "gelu";
}

function headsOf({ width }: Sizes, headWidth = 64): number {
  if (width % headWidth === 0) return width / headWidth;
  const subject = "open_clip_config.json, model_cfg.vision_cfg.head_width";
  throw new InputError(subject, `a divisor of the width ${width}`, String(headWidth), REMEDY);
}

function checkAgreement({ model_cfg }: OpenClipConfig, sizes: Sizes, grid: number): void {
  const { image_size, layers, width, patch_size, mlp_ratio } = model_cfg.vision_cfg;
  const mlp = mlp_ratio === undefined ? undefined : Math.trunc(mlp_ratio * sizes.width);
  const image = image_size && patch_size && Math.floor(image_size / patch_size);
  const pairs: [field: string, stated: unknown, tensors: unknown][] = [
    ["embed_dim", model_cfg.embed_dim, sizes.projected],
    ["vision_cfg.width", width, sizes.width],
    ["vision_cfg.layers", layers, sizes.blocks],
    ["vision_cfg.patch_size", patch_size, sizes.patch],
    ["vision_cfg.mlp_ratio (MLP width)", mlp, sizes.mlpWidth],
    ["vision_cfg.image_size (patches along a side)", image, grid],
  ];
  for (const [field, stated, tensors] of pairs) {
    if (stated === undefined || stated === tensors) continue;
    const subject = `open_clip_config.json, model_cfg.${field}`;
    throw new InputError(subject, `${tensors}, as the tensors say`, String(stated), REMEDY);
  }
}
