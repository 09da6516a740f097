import { writeFile } from "node:fs/promises";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { Tokens } from "../regcache/delete.ts";
import { denseMap, refill } from "../regcache/refill.ts";

/** What `trace --features` says it wrote. */
export interface WrittenFeatures {
  readonly file: string;
  /** [grid, grid, D] */
  readonly shape: readonly [number, number, number];
  readonly tensor: string;
  readonly deleted: number;
  readonly refilled: boolean;
}

const TENSOR = "residual stream after the last block, before the final LayerNorm";

/**
 * Writes the patch features of a run as safetensors: `features` [grid, grid, D], and `deleted` [grid, grid], 1 where a patch
 * was deleted. There `features` is NaN, or with `refills` the mean of its neighbours (regcache/refill.ts).
 * @param last hidden state after the last block
 * @throws InputError when the file cannot be written
 */
export async function writeFeatures(
  file: string,
  spec: EncoderSpec,
  last: Tokens,
  refills: boolean,
): Promise<WrittenFeatures> {
  const { grid, width } = spec;
  const map = denseMap(spec, last);
  const shape = [grid, grid, width] as const;
  const bytes = writeSafetensors(
    [
      { name: "features", shape: [...shape], data: refills ? refill(map, grid) : map.features },
      { name: "deleted", shape: [grid, grid], data: Float32Array.from(map.deleted) },
    ],
    { tensor: TENSOR, deleted: refills ? "mean of the known 8-neighbours" : "NaN" },
  );
  try {
    await writeFile(file, bytes);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError("--features", "a file that can be written", got, "Choose another path.");
  }
  const deleted = map.deleted.reduce((sum, gone) => sum + gone, 0);
  return { file, shape, tensor: TENSOR, deleted, refilled: refills };
}
