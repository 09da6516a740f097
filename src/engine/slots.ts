import { CLOSED_SLOT_BIAS, REGISTER_SLOTS } from "../graph/block.ts";
import type { BlockPlan } from "../intervention/plan.ts";
import type { HostTensor } from "./runtime.ts";

/** As many slots as there are registers: none where there is no prefix, which is then an ordinary encoder's attention. */
export function openSlots({ prefix }: Pick<BlockPlan, "prefix">): number {
  return prefix?.registers.length ?? 0;
}

/**
 * Slots in one of two shapes, one or {@link REGISTER_SLOTS}, those without a register closed: for backends that compile a graph anew
 * for every shape, and for what cannot be taken over no elements at all, as a range.
 */
export function fixedSlots({ prefix }: Pick<BlockPlan, "prefix">): number {
  return prefix && prefix.registers.length > 1 ? REGISTER_SLOTS : 1;
}

/** Keys [H, d, R], values [H, R, d] and biases [R] of the slots of one block; those without a register are closed. */
export function slotFeeds(
  prefix: BlockPlan["prefix"],
  block: number,
  slots: number,
  { heads, perHead }: { readonly heads: number; readonly perHead: number },
): Record<string, HostTensor> {
  const width = heads * perHead;
  const key = new Float32Array(slots * width);
  const value = new Float32Array(slots * width);
  const bias = new Float32Array(slots).fill(CLOSED_SLOT_BIAS);
  for (const [slot, register] of (prefix?.registers ?? []).entries()) {
    bias[slot] = prefix!.logCount;
    const [ownKey, ownValue] = [register.key[block]!, register.value[block]!];
    for (let c = 0; c < width; c++) {
      const head = Math.floor(c / perHead);
      key[c * slots + slot] = ownKey[c]!;
      value[(head * slots + slot) * perHead + (c - head * perHead)] = ownValue[c]!;
    }
  }
  return {
    prefix_key: { data: key, dims: [heads, perHead, slots] },
    prefix_value: { data: value, dims: [heads, slots, perHead] },
    prefix_bias: { data: bias, dims: [slots] },
  };
}
