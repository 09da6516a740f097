import { hfFamily } from "./hf-encoder.ts";
import { HF_VIT_BLOCK, HF_VIT_OTHERS, hfVitNames } from "./hf-vit-names.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import { BICUBIC } from "./positions.ts";

/**
 * ViT as Transformers stores it (modeling_vit.py), bare or with a classifier. The DeiT checkpoints without a
 * distillation token (facebook/deit-tiny-patch16-224 and its like) are published as this architecture.
 */
export const vit = hfFamily({
  id: "vit",
  title: "ViT (Transformers)",
  marks: [
    ["vit.embeddings.cls_token", "vit.encoder.layer.0.layernorm_before.weight"],
    ["embeddings.cls_token", "encoder.layer.0.layernorm_before.weight"],
  ],
  modelTypes: ["vit"],
  defaults: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
    patch_size: 16,
    hidden_act: "gelu",
    layer_norm_eps: 1e-12,
  },
  processor: {
    mode: "squash",
    resizeRatio: 1,
    interpolation: "bilinear",
    crops: false,
    ...NORMALISATIONS.half,
  },
  prefixes: ["vit."],
  names: (prefix) => hfVitNames(prefix, HF_VIT_BLOCK, { registers: null, classifiers: ["classifier"] }),
  others: HF_VIT_OTHERS,
  resampling: BICUBIC,
  embeddedLeading: 1,
  pooling: () => "cls",
  classifierInput: "feature",
});
