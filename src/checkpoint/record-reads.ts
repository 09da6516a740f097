import type { TensorEntry } from "./header.ts";
import type { Safetensors } from "./safetensors.ts";

/**
 * A stand-in of a checkpoint whose data are zeros, to find out which tensors something reads of it.
 * @returns the stand-in, and what runs a reader and gives the entries that it read, in their order
 */
export function recordReads(weights: Safetensors): {
  readonly view: Safetensors;
  record(read: () => Promise<unknown>): Promise<TensorEntry[]>;
} {
  let part: TensorEntry[] = [];
  const note = (name: string): TensorEntry => {
    const entry = weights.tensors.get(name);
    if (!entry) throw new Error(`The model reads ${name}, which its checkpoint does not hold.`);
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
  return {
    view: {
      ...weights,
      read: async (name) => zerosOf(product(note(name).shape)),
      readRows: async (name, rows) => new Float32Array(rows.length * product(note(name).shape.slice(1))),
    },
    async record(read) {
      part = [];
      await read();
      return part;
    },
  };
}
