import type { EncoderSpec } from "../encoder/spec.ts";
import {
  type Deletion,
  type DeletionCriterion,
  type DeletionSetting,
  defaultCutoff,
  mostDeleted,
  needsRegisters,
} from "../intervention/deletion.ts";

/** What the controls of deletion show; wider than a Deletion, so that what is switched off keeps its numbers. */
export interface DeletionControls {
  readonly on: boolean;
  readonly block: number;
  /** Patches deleted, or the most of them where a criterion is capped. */
  readonly count: number;
  readonly by: Deletion["by"];
  readonly tensor: NonNullable<Deletion["tensor"]>;
  /** In force with `by` "criterion". */
  readonly criterion: DeletionCriterion;
  /** Instead of the criterion's own cutoff; null = that one. */
  readonly above: number | null;
  /** Whether `count` bounds what a criterion deletes. */
  readonly capped: boolean;
}

/** The deletion that the controls ask for; null where it is off, or needs registers and there are none. */
export function deletionFor(controls: DeletionControls, registers: string | null): Deletion | null {
  const { on, block, count, by, tensor, criterion, above, capped } = controls;
  if (!on) return null;
  const rule: DeletionSetting =
    by === "criterion"
      ? {
          block,
          by,
          criterion,
          ...(above !== null && defaultCutoff(criterion) !== null && { above }),
          ...(capped && { atMost: count }),
        }
      : { block, count, by };
  if (needsRegisters(rule)) return registers === null ? null : { ...rule, registers };
  return tensor === "post-ln" ? { ...rule, tensor } : rule;
}

/** Puts a deletion into the controls; numbers that it does not have stay as they are. */
export function withDeletion(controls: DeletionControls, deletion: DeletionSetting): DeletionControls {
  const { block, by, tensor = "residual" } = deletion;
  const common = { on: true, block, by, tensor, count: mostDeleted(deletion) ?? controls.count };
  if (deletion.by !== "criterion") return { ...controls, ...common };
  const { criterion, above = null, atMost } = deletion;
  return { ...controls, ...common, criterion, above, capped: atMost !== undefined };
}

/** Fits the controls to an encoder and to whether there are registers; at least one patch survives a count. */
export function clampDeletion(
  controls: DeletionControls,
  { blocks, grid }: Pick<EncoderSpec, "blocks" | "grid">,
  hasRegisters: boolean,
): DeletionControls {
  const { block, count, by, criterion, above } = controls;
  const fits = (value: number, low: number, high: number) => Math.min(high, Math.max(low, Math.round(value)));
  return {
    ...controls,
    block: fits(block, 0, blocks - 1),
    count: fits(count, 1, Math.max(1, grid * grid - 1)),
    by: by === "similarity" && !hasRegisters ? "linf" : by,
    criterion: criterion === "similarity" && !hasRegisters ? "prefixquant" : criterion,
    above: above !== null && above > 0 ? Math.min(above, criterion === "similarity" ? 0.99 : 1e6) : null,
  };
}
