import { hfFamily } from "./hf-encoder.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import { BICUBIC } from "./positions.ts";

/**
 * CLIP as Transformers stores it (modeling_clip.py): OpenAI's, LAION's and MetaCLIP's exports, TinyCLIP. The feature is
 * the projection of CLS after the final norm. The misspelt `pre_layrnorm` is the published name.
 */
export const clip = hfFamily({
  id: "clip",
  title: "CLIP (Transformers)",
  marks: [["vision_model.pre_layrnorm.weight", "vision_model.embeddings.class_embedding"]],
  modelTypes: ["clip", "clip_vision_model"],
  defaults: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
    patch_size: 32,
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
  },
  processor: {
    mode: "shortest-edge",
    resizeRatio: 1,
    interpolation: "bicubic",
    crops: true,
    ...NORMALISATIONS.clip,
  },
  prefixes: [],
  names: () => ({
    patch: "vision_model.embeddings.patch_embedding",
    positions: { name: "vision_model.embeddings.position_embedding.weight", rank: 2 },
    cls: { name: "vision_model.embeddings.class_embedding", rank: 1 },
    registers: null,
    preNorm: "vision_model.pre_layrnorm",
    blocks: "vision_model.encoder.layers.",
    block: CLIP_BLOCK,
    norm: "vision_model.post_layernorm",
    map: null,
    projection: { kind: "linear", name: "visual_projection" },
    classifiers: [],
  }),
  others: /^(text_model\.|text_projection\.weight$|logit_scale$|vision_model\.embeddings\.position_ids$)/,
  resampling: BICUBIC,
  embeddedLeading: 1,
  pooling: () => "cls",
  classifierInput: "feature",
});

/** The block names that CLIP and SigLIP share. */
export const CLIP_BLOCK = {
  norm1: "layer_norm1",
  qkv: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
  proj: "self_attn.out_proj",
  norm2: "layer_norm2",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  scales: null,
} as const;
