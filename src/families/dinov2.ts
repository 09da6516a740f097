import type { HfArchitecture } from "./hf-encoder.ts";
import { hfFamily } from "./hf-encoder.ts";
import { HF_DINO_BLOCK, HF_DINO_SWIGLU_BLOCK, HF_VIT_OTHERS, hfVitNames } from "./hf-vit-names.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import { ANTIALIASED_BICUBIC, BICUBIC } from "./positions.ts";

/** What DINOv2 with and without registers have in common. */
const DINO = {
  defaults: {
    hidden_size: 768,
    mlp_ratio: 4,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
    patch_size: 14,
    hidden_act: "gelu",
    layer_norm_eps: 1e-6,
    use_swiglu_ffn: false,
  },
  processor: {
    mode: "shortest-edge",
    resizeRatio: 256 / 224,
    interpolation: "bicubic",
    crops: true,
    ...NORMALISATIONS.imagenet,
  },
  others: HF_VIT_OTHERS,
  embeddedLeading: 1,
  pooling: () => "cls",
  classifierInput: "cls+mean",
} satisfies Partial<HfArchitecture>;

/** Names of the blocks, by what the first one's MLP is: the giants' is gated. */
const blockOf = (prefix: string, has: (name: string) => boolean) =>
  has(`${prefix}encoder.layer.0.mlp.weights_in.weight`) ? HF_DINO_SWIGLU_BLOCK : HF_DINO_BLOCK;

/**
 * DINOv2 as Transformers stores it (modeling_dinov2.py): trained at 518 pixels, prepared at 224, so its position
 * embedding is interpolated. A classifier reads CLS and the mean of the patches.
 */
export const dinov2 = hfFamily({
  ...DINO,
  id: "dinov2",
  title: "DINOv2 (Transformers)",
  marks: [
    ["dinov2.encoder.layer.0.layer_scale1.lambda1"],
    ["encoder.layer.0.layer_scale1.lambda1", "embeddings.cls_token"],
  ],
  modelTypes: ["dinov2"],
  prefixes: ["dinov2."],
  names: (prefix, has) =>
    hfVitNames(prefix, blockOf(prefix, has), { registers: null, classifiers: ["classifier"] }),
  resampling: BICUBIC,
});

/** DINOv2 with trained registers (modeling_dinov2_with_registers.py), which carry no position embedding. */
export const dinov2WithRegisters = hfFamily({
  ...DINO,
  id: "dinov2-with-registers",
  title: "DINOv2 with registers (Transformers)",
  marks: [["dinov2_with_registers.embeddings.register_tokens"], ["embeddings.register_tokens"]],
  modelTypes: ["dinov2_with_registers"],
  defaults: { ...DINO.defaults, num_register_tokens: 4 },
  prefixes: ["dinov2_with_registers."],
  names: (prefix, has) =>
    hfVitNames(prefix, blockOf(prefix, has), {
      registers: `${prefix}embeddings.register_tokens`,
      classifiers: ["classifier"],
    }),
  resampling: ANTIALIASED_BICUBIC,
});
