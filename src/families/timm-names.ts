import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { EncoderNames } from "./names.ts";

/**
 * The names of timm's `VisionTransformer` (timm/models/vision_transformer.py). With `fc_norm` the pooled feature is
 * normalised and not the tokens.
 */
export function timmNames(weights: Safetensors): EncoderNames {
  return {
    patch: "patch_embed.proj",
    positions: { name: "pos_embed", rank: 3 },
    cls: { name: "cls_token", rank: 3 },
    registers: "reg_token",
    preNorm: "norm_pre",
    blocks: "blocks.",
    block: {
      norm1: "norm1",
      qkv: "attn.qkv",
      proj: "attn.proj",
      norm2: "norm2",
      fc1: "mlp.fc1",
      fc2: "mlp.fc2",
      scales: ["ls1.gamma", "ls2.gamma"],
    },
    norm: weights.tensors.has("fc_norm.weight") ? "fc_norm" : "norm",
    map: {
      probe: "attn_pool.latent",
      qkv: ["attn_pool.q", "attn_pool.kv"],
      proj: "attn_pool.proj",
      norm: "attn_pool.norm",
      fc1: "attn_pool.mlp.fc1",
      fc2: "attn_pool.mlp.fc2",
    },
    projection: null,
    classifiers: ["head"],
  };
}
