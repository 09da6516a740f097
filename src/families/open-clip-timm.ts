import { z } from "zod";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { canonicalWeights } from "./canonical.ts";
import { checkTensors } from "./check-tensors.ts";
import type { Family } from "./family.ts";
import { gridAt, positionResize, squareGrid } from "./grid.ts";
import type { EncoderNames } from "./names.ts";
import { OPEN_CLIP_TEXT } from "./open-clip.ts";
import { openClipPreprocess, openClipPreprocessSchema } from "./open-clip-preprocess.ts";
import { epsilon } from "./overrides.ts";
import { ANTIALIASED_BICUBIC } from "./positions.ts";
import { expectedTensors, readSizes, type Sizes } from "./sizes.ts";
import { hasTanhGelu } from "./timm-architectures.ts";
import { timmNames } from "./timm-names.ts";

const positive = z.int().positive();

/** open_clip_config.json of a model whose image tower timm builds (open_clip/timm_model.py), as far as it matters here. */
const schema = z.object({
  model_cfg: z.object({
    embed_dim: positive.optional(),
    vision_cfg: z.object({
      image_size: positive.optional(),
      timm_model_name: z.string(),
      timm_pool: z.literal("map"),
      timm_proj: z.enum(["none", "linear"]).optional(),
      timm_proj_bias: z.literal(false).optional(),
    }),
  }),
  preprocess_cfg: openClipPreprocessSchema,
});
type Config = z.infer<typeof schema>;

const REMEDY =
  "Choose the open_clip_model.safetensors and open_clip_config.json of one OpenCLIP SigLIP model, such as timm/ViT-B-16-SigLIP.";

const TRUNK = "visual.trunk.";

/**
 * OpenCLIP's SigLIP and SigLIP 2 models, whose image tower is timm's `VisionTransformer` with attention pooling. The feature is
 * the pooled one, or its linear projection.
 */
export const openClipTimm: Family = {
  id: "open-clip-timm",
  title: "OpenCLIP SigLIP (timm tower)",
  marks: [[`${TRUNK}patch_embed.proj.weight`, `${TRUNK}blocks.0.attn.qkv.weight`]],
  open(weights, configs, overrides) {
    const names: EncoderNames = {
      ...timmNames(weights, TRUNK),
      projection: { kind: "linear", name: "visual.head.proj" },
      classifiers: [],
    };
    const sizes = readSizes(weights, names, REMEDY);
    checkTensors(
      weights,
      expectedTensors(weights, names, sizes),
      (name) => OPEN_CLIP_TEXT.test(name),
      REMEDY,
    );
    const config = parse(configs.openClip ?? null);
    const { vision_cfg: vision } = config.model_cfg;
    const { heads, activation } = towerOf(vision.timm_model_name, sizes);
    const { grid: native } = squareGrid(
      `${weights.name}, tensor ${names.positions.name}`,
      sizes.positions,
      [0],
    );
    checkAgreement(config, sizes, native);
    const size = vision.image_size ?? native * sizes.patch;
    const preprocess = openClipPreprocess(config.preprocess_cfg, size, overrides);
    const grid = gridAt(preprocess.size, sizes.patch);
    const spec: EncoderSpec = {
      family: openClipTimm.id,
      label: `${vision.timm_model_name} (OpenCLIP)`,
      blocks: sizes.blocks,
      width: sizes.width,
      heads,
      mlpWidth: sizes.mlpWidth,
      patch: sizes.patch,
      grid,
      hasCls: false,
      trainedRegisters: 0,
      tokens: grid * grid,
      // timm's VisionTransformer, unless a model says otherwise; SigLIP's do not.
      layerNormEps: epsilon(overrides.layerNormEps ?? 1e-6),
      activation,
      pooling: "map",
      classes: 0,
      classNames: null,
      preprocess,
      assumptions: [],
      outlierOrigin: null,
    };
    const canonical = canonicalWeights(weights, names, sizes, {
      embeddedLeading: 0,
      resize: positionResize(native, grid, ANTIALIASED_BICUBIC),
      normAfterPool: false,
      classifierInput: "feature",
    });
    return { spec, weights: canonical };
  },
};

function parse(file: unknown): Config {
  const result = schema.safeParse(file);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const subject = ["open_clip_config.json", path.join(".")].filter(Boolean).join(", ");
  const expected = "a SigLIP tower of timm with attention pooling, projected linearly or not at all";
  throw new InputError(subject, expected, file === null ? "no such file" : message, REMEDY);
}

/** Names of timm's towers of SigLIP with attention pooling (timm/models/vision_transformer.py). */
const TOWER = /^vit_(base|large|so400m|giantopt)_patch\d+_siglip_\d+$/;

/** What only the tower's name tells. A tag (`.webli`) names weights, not another tower. */
function towerOf(
  name: string,
  { width, hasCls, registers, mapWidth }: Sizes,
): Pick<EncoderSpec, "heads" | "activation"> {
  const [architecture = ""] = name.split(".");
  const size = TOWER.exec(architecture)?.[1];
  const heads = size === "base" ? 12 : 16;
  if (size && width % heads === 0 && !hasCls && registers === 0 && mapWidth > 0) {
    return { heads, activation: hasTanhGelu(name) ? "gelu_tanh" : "gelu" };
  }
  const subject = "open_clip_config.json, model_cfg.vision_cfg.timm_model_name";
  const expected =
    "a SigLIP tower with attention pooling, such as vit_base_patch16_siglip_224, as the tensors say";
  throw new InputError(subject, expected, `"${name}"`, REMEDY);
}

function checkAgreement({ model_cfg }: Config, sizes: Sizes, grid: number): void {
  const { image_size, timm_proj } = model_cfg.vision_cfg;
  const pairs: [field: string, stated: unknown, tensors: unknown][] = [
    ["embed_dim", model_cfg.embed_dim, sizes.projected || sizes.width],
    // open_clip's default is a projection.
    ["vision_cfg.timm_proj", timm_proj ?? "linear", sizes.projected > 0 ? "linear" : "none"],
    [
      "vision_cfg.image_size (patches along a side)",
      image_size && Math.floor(image_size / sizes.patch),
      grid,
    ],
  ];
  for (const [field, stated, tensors] of pairs) {
    if (stated === undefined || stated === tensors) continue;
    const subject = `open_clip_config.json, model_cfg.${field}`;
    throw new InputError(subject, `${tensors}, as the tensors say`, String(stated), REMEDY);
  }
}
