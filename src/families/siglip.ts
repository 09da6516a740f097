import { CLIP_BLOCK } from "./clip.ts";
import { hfFamily } from "./hf-encoder.ts";
import { NORMALISATIONS } from "./normalisations.ts";

/**
 * SigLIP, and SigLIP 2 at fixed resolution, as Transformers stores them (modeling_siglip.py; the published
 * `siglip2-*-patch16-224` and their like have model_type "siglip" too). No CLS; the feature is the attention pooling
 * of all tokens. A `SiglipForImageClassification` classifies the mean of the tokens.
 */
export const siglip = hfFamily({
  id: "siglip",
  title: "SigLIP or fixed-resolution SigLIP 2 (Transformers)",
  marks: [["vision_model.embeddings.patch_embedding.bias", "vision_model.post_layernorm.weight"]],
  modelTypes: ["siglip", "siglip_vision_model"],
  defaults: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
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
  names: () => ({
    patch: "vision_model.embeddings.patch_embedding",
    positions: { name: "vision_model.embeddings.position_embedding.weight", rank: 2 },
    cls: null,
    registers: null,
    preNorm: null,
    blocks: "vision_model.encoder.layers.",
    block: CLIP_BLOCK,
    norm: "vision_model.post_layernorm",
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
  }),
  others: /^(text_model\.|logit_scale$|logit_bias$|vision_model\.embeddings\.position_ids$)/,
  antialias: false,
  embeddedLeading: 0,
  pooling: ({ mapWidth }) => (mapWidth > 0 ? "map" : "mean"),
  classifierInput: "mean",
});
