import { z } from "zod";
import { OUTLIER_CRITERION_IDS, outlierCriterion } from "../measure/outlier-criteria.ts";

/**
 * Deletion of patch tokens at the input of a block, per image; never CLS or trained registers, and at least one patch
 * survives (paper, step 4). Either a fixed count of those that score highest, or all that meet a named criterion.
 */

/** What L-inf or L2 is read from at the deletion block's input: the residual stream, or LayerNorm 1 of it. */
export const DELETION_TENSORS = ["residual", "post-ln"] as const;

/** Criteria that tokens may be deleted by: those of the literature, and similarity to the registers' direction (ours). */
export const DELETION_CRITERIA = [...OUTLIER_CRITERION_IDS, "similarity"] as const;
export type DeletionCriterion = (typeof DELETION_CRITERIA)[number];

/** cos(x - m, r - m) above which a token is deleted: on ViT-Tiny between ordinary tokens' p99 and outliers' minimum. */
export const SIMILARITY_CUTOFF = 0.3;

const block = z.int().min(0);
/** Largest count of a deletion. */
export const MOST_DELETED = 4096;
/** Tokens that a deletion takes, or the most of them. */
export const deletedCountSchema = z.int().min(1).max(MOST_DELETED);
/** Absent = the residual stream. */
const tensor = z.enum(DELETION_TENSORS).optional();

const counted = z.strictObject({
  block,
  /** k_del, patch tokens deleted in every image. */
  count: deletedCountSchema,
  /** `linf`: the paper's rule, the largest L-inf; `similarity`: ours, cos(x - m, r - m). */
  by: z.enum(["linf", "similarity"]),
  tensor,
});

const threshold = z.strictObject({
  block,
  by: z.literal("criterion"),
  criterion: z.enum(DELETION_CRITERIA),
  /** Cutoff instead of the criterion's own, where that depends on the encoder. */
  above: z.number().gt(0).max(1e6).optional(),
  /** Most tokens deleted in an image, the highest first; absent = all that meet the criterion. */
  atMost: deletedCountSchema.optional(),
  tensor,
});

/** A deletion without its registers. */
export const deletionSettingSchema = z
  .discriminatedUnion("by", [counted, threshold])
  .superRefine(requireConsistent);

/** Registers that similarity measures against; unused by everything else. */
const registers = { registers: z.string().min(1).optional() };
export const deletionSchema = z
  .discriminatedUnion("by", [counted.extend(registers), threshold.extend(registers)])
  .superRefine(requireConsistent);

export type DeletionSetting = z.infer<typeof deletionSettingSchema>;
export type Deletion = z.infer<typeof deletionSchema>;
export type CountedDeletion = Extract<DeletionSetting, { count: number }>;

/** The cutoff that a criterion has of its own where it may be changed; null = its rule is fixed. */
export function defaultCutoff(criterion: DeletionCriterion): number | null {
  return criterion === "similarity" ? SIMILARITY_CUTOFF : outlierCriterion(criterion).cutoff;
}

/** Whether tokens are scored against registers. */
export function needsRegisters(deletion: DeletionSetting): boolean {
  return deletion.by === "similarity" || (deletion.by === "criterion" && deletion.criterion === "similarity");
}

/** Most tokens that are deleted in an image; null = no bound. */
export function mostDeleted(deletion: DeletionSetting): number | null {
  return deletion.by === "criterion" ? (deletion.atMost ?? null) : deletion.count;
}

function requireConsistent(value: DeletionSetting, context: z.RefinementCtx): void {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (value.tensor === "post-ln" && needsRegisters(value)) {
    refuse("tensor", "similarity is measured in the residual stream");
  }
  if (value.by !== "criterion" || value.above === undefined) return;
  if (defaultCutoff(value.criterion) === null) refuse("above", `${value.criterion} has no cutoff to choose`);
  if (value.criterion === "similarity" && value.above >= 1) refuse("above", "a cosine lies below 1");
}
