import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { EncoderNames } from "./names.ts";

/**
 * The names of timm's `VisionTransformer` (timm/models/vision_transformer.py). With `fc_norm` the pooled feature is
 * normalised and not the tokens.
 * @param root what stands before all of them, in a model that has such a tower
 */
export function timmNames(weights: Safetensors, root = ""): EncoderNames {
  return {
    patch: `${root}patch_embed.proj`,
    positions: { name: `${root}pos_embed`, rank: 3 },
    cls: { name: `${root}cls_token`, rank: 3 },
    registers: `${root}reg_token`,
    preNorm: `${root}norm_pre`,
    blocks: `${root}blocks.`,
    block: {
      norm1: "norm1",
      qkv: "attn.qkv",
      proj: "attn.proj",
      norm2: "norm2",
      fc1: "mlp.fc1",
      fc2: "mlp.fc2",
      ...(isGated(weights, `${root}blocks.0.mlp.`) && { gated: true }),
      scales: ["ls1.gamma", "ls2.gamma"],
    },
    norm: root + (weights.tensors.has(`${root}fc_norm.weight`) ? "fc_norm" : "norm"),
    map: {
      probe: `${root}attn_pool.latent`,
      qkv: [`${root}attn_pool.q`, `${root}attn_pool.kv`],
      proj: `${root}attn_pool.proj`,
      norm: `${root}attn_pool.norm`,
      fc1: `${root}attn_pool.mlp.fc1`,
      fc2: `${root}attn_pool.mlp.fc2`,
    },
    projection: null,
    classifiers: [`${root}head`],
  };
}

/** timm's `SwiGLUPacked` (the giants of DINOv2): fc1 has gate and values, so fc2 reads half of its outputs. */
function isGated({ tensors }: Safetensors, mlp: string): boolean {
  const out = tensors.get(`${mlp}fc1.weight`)?.shape[0];
  const into = tensors.get(`${mlp}fc2.weight`)?.shape[1];
  return out !== undefined && into !== undefined && out === 2 * into;
}
