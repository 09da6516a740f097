import type { TensorEntry } from "../checkpoint/header.ts";
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
  let part: TensorEntry[] = [];
  const note = (name: string): TensorEntry => {
    const entry = weights.tensors.get(name);
    if (!entry) throw new Error(`The encoder reads ${name}, which its checkpoint does not hold.`);
    part.push(entry);
    return entry;
  };
  const product = (shape: readonly number[]) => shape.reduce((size, side) => size * side, 1);
  // One array for all: allocating the whole encoder anew would take its memory and a good part of a second.
  let zeros = new Float32Array(0);
  const zerosOf = (size: number) => {
    if (size > zeros.length) zeros = new Float32Array(size);
    return zeros.subarray(0, size);
  };
  const encoder = open({
    ...weights,
    read: async (name) => zerosOf(product(note(name).shape)),
    readRows: async (name, rows) => new Float32Array(rows.length * product(note(name).shape.slice(1))),
  });
  const parts: TensorEntry[][] = [];
  const record = async (read: () => Promise<unknown>) => {
    part = [];
    await read();
    parts.push(part);
  };
  await record(() => encoder.weights.embed());
  for (let block = 0; block < encoder.spec.blocks; block++) await record(() => encoder.weights.block(block));
  await record(() => encoder.weights.head());
  return parts;
}
