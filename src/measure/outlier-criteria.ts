import { median } from "d3-array";

/** What a criterion reads of one hidden state [T, D]; all raw magnitudes. */
export interface StateMeasures {
  /** max |x| over channels, [T] */
  readonly linf: Float32Array;
  /** Euclidean norm, [T] */
  readonly l2: Float32Array;
  /** Median of |x| over all elements. */
  readonly medianAbs: number;
}

export const OUTLIER_CRITERION_IDS = [
  "median-100",
  "sun",
  "mind-the-spike",
  "prefixquant",
  "darcet",
  "jiang",
] as const;
export type OutlierCriterionId = (typeof OUTLIER_CRITERION_IDS)[number];

/** A named criterion for an outlier token of a hidden state. */
export interface OutlierCriterion {
  readonly id: OutlierCriterionId;
  /** The rule, with its own cutoff. */
  readonly label: string;
  /** Measure of a token that the rule bounds. */
  readonly reads: "linf" | "l2";
  /** The literature's cutoff where it was chosen for one encoder and others need their own; null = the rule is fixed. */
  readonly cutoff: number | null;
  /** Says of a token's measure whether it is an outlier's. @param cutoff instead of its own, where it has one */
  readonly test: (state: StateMeasures, cutoff: number) => (value: number) => boolean;
}

const above = (_: StateMeasures, cutoff: number) => (value: number) => value > cutoff;

/** The criteria of the literature, one definition for the figures' rings and for deletion by threshold. */
export const OUTLIER_CRITERIA: readonly OutlierCriterion[] = [
  {
    id: "median-100",
    label: "|x| ≥ 100 × the block's median |x|",
    reads: "linf",
    cutoff: null,
    test:
      ({ medianAbs }) =>
      (linf) =>
        linf >= 100 * medianAbs,
  },
  {
    id: "sun",
    // Sun et al. 2402.17762: massive activation.
    label: "Sun et al.: |x| > 100 and ≥ 1,000 × the block's median |x|",
    reads: "linf",
    cutoff: null,
    test:
      ({ medianAbs }) =>
      (linf) =>
        linf > 100 && linf >= 1000 * medianAbs,
  },
  {
    id: "mind-the-spike",
    label: "Mind the Spike: |x| ≥ 100 and max / median ≥ 1,000",
    reads: "linf",
    cutoff: null,
    test:
      ({ medianAbs }) =>
      (linf) =>
        linf >= 100 && linf >= 1000 * medianAbs,
  },
  {
    id: "prefixquant",
    // PrefixQuant 2410.05265: ratio of a token's maximum to the median over tokens.
    label: "PrefixQuant: L∞ > 64 × the tokens' median L∞",
    reads: "linf",
    cutoff: null,
    test: ({ linf: all }) => {
      const typical = median(all) ?? 0;
      return (linf) => linf > 64 * typical;
    },
  },
  {
    id: "darcet",
    // Darcet et al. 2309.16588: high-norm tokens; 150 was read off the norms of DINOv2-g.
    label: "Darcet et al.: L2 > 150 (chosen for DINOv2-g)",
    reads: "l2",
    cutoff: 150,
    test: above,
  },
  {
    id: "jiang",
    // Jiang et al. 2506.08010: 75 in the paper, for OpenCLIP; their code's default is 30.
    label: "Jiang et al.: L2 > 75 (chosen for OpenCLIP)",
    reads: "l2",
    cutoff: 75,
    test: above,
  },
];

/** The criterion of an id. */
export function outlierCriterion(id: OutlierCriterionId): OutlierCriterion {
  return OUTLIER_CRITERIA.find((criterion) => criterion.id === id)!;
}

/**
 * Rows of a hidden state that a criterion calls outliers, in order; a zero is never one.
 * @param cutoff instead of the criterion's own
 */
export function outlierRows(
  state: StateMeasures,
  id: OutlierCriterionId,
  cutoff?: number | undefined,
): readonly number[] {
  const criterion = outlierCriterion(id);
  const isOutlier = criterion.test(state, cutoff ?? criterion.cutoff ?? 0);
  const rows: number[] = [];
  state[criterion.reads].forEach((value, row) => {
    if (value > 0 && isOutlier(value)) rows.push(row);
  });
  return rows;
}
