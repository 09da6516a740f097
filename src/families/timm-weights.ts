import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { EncoderWeights, Linear, Norm } from "../encoder/weights.ts";
import type { TimmShapes } from "./timm-layout.ts";

/**
 * Canonical weights of a timm VisionTransformer, read part by part. timm stacks qkv and stores linears as
 * [Out, In] as the canonical layout does, so only the embeddings are rearranged.
 * @param embeddedLeading rows of pos_embed that belong to CLS and registers; 0 = it covers patches only.
 */
export function timmWeights(file: Safetensors, shapes: TimmShapes, embeddedLeading: number): EncoderWeights {
  const { width: D, mlpWidth: M, patch, has } = shapes;

  const norm = async (name: string): Promise<Norm> => ({
    weight: await file.read(`${name}.weight`, [D]),
    bias: await file.read(`${name}.bias`, [D]),
  });
  const linear = async (name: string, out: number, into: number, bias = true): Promise<Linear> => ({
    weight: await file.read(`${name}.weight`, [out, into]),
    bias: bias ? await file.read(`${name}.bias`, [out]) : null,
    out,
    in: into,
  });
  const scale = async (name: string) => (has.layerScale ? file.read(`${name}.gamma`, [D]) : null);

  return {
    async embed() {
      const rows: Float32Array[] = [];
      if (shapes.hasCls) rows.push(await file.read("cls_token", [1, 1, D]));
      if (shapes.registers > 0) rows.push(await file.read("reg_token", [1, shapes.registers, D]));
      const leading = concat(rows);
      const embedding = await file.read("pos_embed", [1, shapes.positions, D]);
      for (let i = 0; i < embeddedLeading * D; i++) leading[i]! += embedding[i]!;
      return {
        patchWeight: await file.read("patch_embed.proj.weight", [D, 3, patch, patch]),
        patchBias: has.patchBias ? await file.read("patch_embed.proj.bias", [D]) : null,
        leading,
        positions: embedding.slice(embeddedLeading * D),
        preNorm: has.preNorm ? await norm("norm_pre") : null,
      };
    },

    async block(index) {
      const at = `blocks.${index}`;
      return {
        norm1: await norm(`${at}.norm1`),
        qkv: await linear(`${at}.attn.qkv`, 3 * D, D, has.qkvBias),
        proj: await linear(`${at}.attn.proj`, D, D),
        scale1: await scale(`${at}.ls1`),
        norm2: await norm(`${at}.norm2`),
        fc1: await linear(`${at}.mlp.fc1`, M, D),
        fc2: await linear(`${at}.mlp.fc2`, D, M),
        scale2: await scale(`${at}.ls2`),
      };
    },

    async head() {
      return {
        norm: await norm(has.fcNorm ? "fc_norm" : "norm"),
        normAfterPool: has.fcNorm,
        classifier: shapes.classes > 0 ? await linear("head", shapes.classes, D, has.headBias) : null,
      };
    },
  };
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
