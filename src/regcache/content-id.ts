import { createSHA256 } from "hash-wasm";
import type { Registers } from "./registers.ts";

/** The arrays of a registers file, in the order in which they are digested and stored. */
export const REGISTER_ARRAYS = ["key", "value", "state", "mean"] as const;

/** Stable id of registers: the first 12 hex digits of the sha256 of the model's hash and all arrays. */
export async function contentId(
  registers: Pick<Registers, "model" | "block" | (typeof REGISTER_ARRAYS)[number]>,
): Promise<string> {
  const hash = await createSHA256();
  hash.update(`${registers.model}:${registers.block}`);
  for (const name of REGISTER_ARRAYS) {
    for (const row of registers[name]) {
      hash.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
    }
  }
  return hash.digest("hex").slice(0, 12);
}
