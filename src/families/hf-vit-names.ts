import type { BlockNames, EncoderNames } from "./names.ts";

/** The names that ViT, DeiT and DINOv2 share in Transformers' published checkpoints. */
export function hfVitNames(
  prefix: string,
  block: BlockNames,
  parts: Pick<EncoderNames, "registers" | "classifiers">,
): EncoderNames {
  return {
    patch: `${prefix}embeddings.patch_embeddings.projection`,
    positions: { name: `${prefix}embeddings.position_embeddings`, rank: 3 },
    cls: { name: `${prefix}embeddings.cls_token`, rank: 3 },
    preNorm: null,
    blocks: `${prefix}encoder.layer.`,
    block,
    norm: `${prefix}layernorm`,
    map: null,
    projection: null,
    ...parts,
  };
}

/** Blocks of ViT and DeiT. */
export const HF_VIT_BLOCK: BlockNames = {
  norm1: "layernorm_before",
  qkv: ["attention.attention.query", "attention.attention.key", "attention.attention.value"],
  proj: "attention.output.dense",
  norm2: "layernorm_after",
  fc1: "intermediate.dense",
  fc2: "output.dense",
  scales: null,
};

/** Blocks of DINOv2. */
export const HF_DINO_BLOCK: BlockNames = {
  norm1: "norm1",
  qkv: ["attention.attention.query", "attention.attention.key", "attention.attention.value"],
  proj: "attention.output.dense",
  norm2: "norm2",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  scales: ["layer_scale1.lambda1", "layer_scale2.lambda1"],
};

/** Blocks of DINOv2's giants, whose MLP is gated (Dinov2SwiGLUFFN). */
export const HF_DINO_SWIGLU_BLOCK: BlockNames = {
  ...HF_DINO_BLOCK,
  fc1: "mlp.weights_in",
  fc2: "mlp.weights_out",
  gated: true,
};

/** A pooler is trained for a task of its own, a mask token for pre-training; the feature needs neither. */
export const HF_VIT_OTHERS = /(^|\.)(pooler\.dense\.(weight|bias)|embeddings\.mask_token)$/;
