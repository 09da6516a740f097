import type { TensorEntry } from "../checkpoint/header.ts";
import { recordReads } from "../checkpoint/record-reads.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { OpenedEncoder } from "./family.ts";

/**
 * Which tensors an encoder reads, in the order in which it is built: embeddings, block 0, ..., block L-1, head. Found by
 * letting the family read a stand-in of zeros, so that no family keeps a second list.
 * @param open opens the encoder on a view of the checkpoint.
 * @returns per part, the entries that it reads.
 */
export async function planReads(
  weights: Safetensors,
  open: (weights: Safetensors) => OpenedEncoder,
): Promise<TensorEntry[][]> {
  const { view, record } = recordReads(weights);
  const encoder = open(view);
  const parts = [await record(() => encoder.weights.embed())];
  for (let block = 0; block < encoder.spec.blocks; block++) {
    parts.push(await record(() => encoder.weights.block(block)));
  }
  parts.push(await record(() => encoder.weights.head()));
  return parts;
}
