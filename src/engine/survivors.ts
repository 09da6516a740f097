import type { EncoderSpec } from "../encoder/spec.ts";
import type { Norm } from "../encoder/weights.ts";
import type { BlockPlan } from "../intervention/plan.ts";
import { deleteTokens } from "../regcache/delete.ts";
import type { CachedBlock } from "./hidden-cache.ts";
import { changeTokens } from "./register-row.ts";

/**
 * What a block runs on: the state before it, less what its plan deletes there.
 * @param norm1 the block's LayerNorm 1, which deletion by post-LN magnitudes applies
 */
export function survivors(
  spec: EncoderSpec,
  norm1: Norm,
  before: CachedBlock,
  { delete: deletion }: BlockPlan,
): Pick<CachedBlock, "x" | "positions" | "deleted"> {
  if (!deletion) return before;
  const { rule, registers } = deletion;
  const alive = changeTokens(before, spec.width, (all) =>
    deleteTokens(spec, all, rule, { norm1, registers }),
  );
  return { ...alive, deleted: Int32Array.of(...before.deleted, ...alive.deleted) };
}
