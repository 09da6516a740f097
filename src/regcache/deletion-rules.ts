import { cross } from "d3-array";
import {
  type CountedDeletion,
  DELETION_TENSORS,
  type DeletionCriterion,
  type DeletionSetting,
  defaultCutoff,
  SIMILARITY_CUTOFF,
} from "../intervention/deletion.ts";

type WithoutBlock<T> = T extends unknown ? Omit<T, "block"> : never;

/** One way of choosing the tokens that are deleted: a part of a search's grid. */
export interface DeletionRule {
  /** Deletions without their block, the one that takes fewest tokens first. */
  readonly strengths: readonly WithoutBlock<DeletionSetting>[];
}

/** Which rules delete a fixed count: L-inf (the paper's), similarity to the registers' direction (ours), or both are tried. */
export const SEARCH_RULES = ["linf", "similarity", "any"] as const;
/** What L-inf and criteria read: the residual stream, LayerNorm 1 of it, or both are tried. */
export const SEARCH_TENSORS = ["residual", "post-ln", "any"] as const;

/** k_del (paper: up to 10). */
const COUNTS = [1, 2, 4, 6, 8, 10];
/** Multiples of a norm's published cutoff, which was chosen for another encoder. */
const FACTORS = [4, 2, 1, 0.5, 0.25];
/** Cosines, around our own cutoff. */
const COSINES = [0.6, 0.45, SIMILARITY_CUTOFF, 0.2, 0.1];

/** What the rules of a search are made of. */
export interface RuleChoice {
  readonly rule: (typeof SEARCH_RULES)[number];
  /** Absent = the residual stream. */
  readonly tensor?: (typeof SEARCH_TENSORS)[number] | undefined;
  /** Criteria by which all tokens that meet them may be deleted. */
  readonly criteria?: readonly DeletionCriterion[] | undefined;
  /** Most tokens that a criterion deletes in an image, each a rule of its own; null = no bound. Absent = no bound alone. */
  readonly atMost?: readonly (number | null)[] | undefined;
}

/**
 * The rules of deletion that a search tries. Similarity is measured in the residual stream, whatever `tensor` says. A criterion
 * is tried at its own cutoff, and at others where its cutoff depends on the encoder, with every bound on its count.
 */
export function deletionRules({
  rule,
  tensor = "residual",
  criteria = [],
  atMost = [null],
}: RuleChoice): DeletionRule[] {
  const tensors = tensor === "any" ? DELETION_TENSORS : [tensor];
  const counts: CountedDeletion["by"][] = rule === "any" ? ["linf", "similarity"] : [rule];
  const read = (isSimilar: boolean) =>
    isSimilar ? [{}] : tensors.map((each) => (each === "residual" ? {} : { tensor: each }));
  const counted = counts.flatMap((by) =>
    read(by === "similarity").map((from) => ({ strengths: COUNTS.map((count) => ({ count, by, ...from })) })),
  );
  const bounds = ascendingBounds(atMost).map((most) => (most === null ? {} : { atMost: most }));
  const thresholds = criteria.flatMap((criterion) =>
    cross(read(criterion === "similarity"), bounds).map(([from, bound]) => ({
      strengths: cutoffs(criterion).map(
        (cutoff) => ({ by: "criterion", criterion, ...cutoff, ...bound, ...from }) as const,
      ),
    })),
  );
  return [...counted, ...thresholds];
}

/** Each once, the smallest first; no bound is the largest. */
function ascendingBounds(bounds: readonly (number | null)[]): (number | null)[] {
  const value = (bound: number | null) => bound ?? Number.POSITIVE_INFINITY;
  return [...new Set(bounds)].sort((a, b) => value(a) - value(b));
}

/** Cutoffs from the strictest on; the criterion's own is the one that is not named. */
function cutoffs(criterion: DeletionCriterion): { above?: number }[] {
  const own = defaultCutoff(criterion);
  if (own === null) return [{}];
  const values = criterion === "similarity" ? COSINES : FACTORS.map((factor) => factor * own);
  return values.map((above) => (above === own ? {} : { above }));
}
