import { hfFamily } from "./hf-encoder.ts";
import { HF_VIT_BLOCK, HF_VIT_OTHERS, hfVitNames } from "./hf-vit-names.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import { BICUBIC } from "./positions.ts";

/**
 * Distilled DeiT as Transformers stores it (modeling_deit.py). Its distillation token, a second learned token beside
 * CLS, takes the place of a trained register. The logits are the mean of both tokens' classifiers.
 */
export const deit = hfFamily({
  id: "deit",
  title: "distilled DeiT (Transformers)",
  marks: [["deit.embeddings.distillation_token"], ["embeddings.distillation_token"]],
  modelTypes: ["deit"],
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
    resizeRatio: 256 / 224,
    interpolation: "bicubic",
    crops: true,
    ...NORMALISATIONS.half,
  },
  prefixes: ["deit."],
  names: (prefix) =>
    hfVitNames(prefix, HF_VIT_BLOCK, {
      registers: `${prefix}embeddings.distillation_token`,
      classifiers: ["cls_classifier", "distillation_classifier"],
    }),
  others: HF_VIT_OTHERS,
  resampling: BICUBIC,
  embeddedLeading: 2,
  pooling: () => "cls",
  classifierInput: "cls+distillation",
  notes: ["the distillation token is shown as a trained register; the feature is CLS"],
});
