import { CLIP_BLOCK } from "./clip.ts";
import { type HfArchitecture, hfFamily } from "./hf-encoder.ts";
import type { EncoderNames } from "./names.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import { ANTIALIASED_BILINEAR, BICUBIC } from "./positions.ts";

const PATCH = "vision_model.embeddings.patch_embedding";
const NORM = "vision_model.post_layernorm";

const NAMES: EncoderNames = {
  patch: PATCH,
  positions: { name: "vision_model.embeddings.position_embedding.weight", rank: 2 },
  cls: null,
  registers: null,
  preNorm: null,
  blocks: "vision_model.encoder.layers.",
  block: CLIP_BLOCK,
  norm: NORM,
  map: {
    probe: "vision_model.head.probe",
    qkv: "vision_model.head.attention.in_proj",
    proj: "vision_model.head.attention.out_proj",
    norm: "vision_model.head.layernorm",
    fc1: "vision_model.head.mlp.fc1",
    fc2: "vision_model.head.mlp.fc2",
  },
  projection: null,
  classifiers: ["classifier"],
};

/** What SigLIP and both kinds of SigLIP 2 have in common. No CLS; the feature is the attention pooling of all tokens. */
const SIGLIP = {
  defaults: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    patch_size: 16,
    hidden_act: "gelu_pytorch_tanh",
    layer_norm_eps: 1e-6,
  },
  processor: {
    mode: "squash",
    resizeRatio: 1,
    interpolation: "bicubic",
    crops: false,
    ...NORMALISATIONS.half,
  },
  prefixes: [],
  others: /^(text_model\.|logit_scale$|logit_bias$|vision_model\.embeddings\.position_ids$)/,
  embeddedLeading: 0,
  pooling: ({ mapWidth }) => (mapWidth > 0 ? "map" : "mean"),
  // A `SiglipForImageClassification` classifies the mean of the tokens.
  classifierInput: "mean",
} satisfies Partial<HfArchitecture>;

/**
 * SigLIP, and SigLIP 2 at fixed resolution, as Transformers stores them (modeling_siglip.py; the published
 * `siglip2-*-patch16-224` and their like have model_type "siglip" too).
 */
export const siglip = hfFamily({
  ...SIGLIP,
  id: "siglip",
  title: "SigLIP or fixed-resolution SigLIP 2 (Transformers)",
  marks: [[`${PATCH}.bias`, `${NORM}.weight`]],
  modelTypes: ["siglip", "siglip_vision_model"],
  defaults: { ...SIGLIP.defaults, image_size: 224 },
  names: () => NAMES,
  resampling: BICUBIC,
});

/**
 * SigLIP 2 of variable resolution and aspect ratio, NaFlex, as Transformers stores it (modeling_siglip2.py): patches are
 * embedded by a linear, and the position embedding is resampled to the grid in use. Here that grid is a square.
 */
export const siglip2Naflex = hfFamily({
  ...SIGLIP,
  id: "siglip2-naflex",
  title: "SigLIP 2 NaFlex (Transformers)",
  marks: [[{ tensor: `${PATCH}.weight`, rank: 2 }, `${NORM}.weight`]],
  modelTypes: ["siglip2", "siglip2_vision_model"],
  defaults: { ...SIGLIP.defaults, num_patches: 256 },
  processor: { ...SIGLIP.processor, interpolation: "bilinear" },
  names: () => ({ ...NAMES, linearPatch: true }),
  resampling: ANTIALIASED_BILINEAR,
  notes: ["images are scaled to a square grid of patches (NaFlex's own processor keeps their aspect ratio)"],
});
