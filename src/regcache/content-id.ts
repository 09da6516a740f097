import { createSHA256 } from "hash-wasm";
import type { Registers } from "./registers.ts";

/**
 * Stable id of registers: the first 12 hex digits of the sha256 of the model's hash and all arrays: the first register's keys
 * and values, `state`, `mean`, then the other registers'. So one register has the id that it always had.
 */
export async function contentId(
  registers: Pick<Registers, "model" | "block" | "distinct" | "state" | "mean">,
): Promise<string> {
  const { distinct, state, mean } = registers;
  const [first, ...others] = distinct.map(({ key, value }) => [key, value]);
  const hash = await createSHA256();
  hash.update(`${registers.model}:${registers.block}`);
  for (const rows of [...first!, state, mean, ...others.flat()]) {
    for (const row of rows) hash.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
  }
  return hash.digest("hex").slice(0, 12);
}
