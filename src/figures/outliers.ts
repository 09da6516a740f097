import { median } from "d3-array";
import type { LayerTrace } from "../trace/layer-trace.ts";

/** A named criterion for an outlier token, read at the residual stream after a block. */
export interface OutlierCriterion {
  readonly id: OutlierCriterionId;
  /** The rule, for the legend. */
  readonly label: string;
  /** Says of a residual L-inf of this trace whether it is an outlier's. */
  readonly test: (trace: LayerTrace) => (linf: number) => boolean;
}

export const OUTLIER_CRITERIA_IDS = ["median-100", "sun", "prefixquant"] as const;
export type OutlierCriterionId = (typeof OUTLIER_CRITERIA_IDS)[number];

export const OUTLIER_CRITERIA: readonly OutlierCriterion[] = [
  {
    id: "median-100",
    label: "|x| ≥ 100 × the block's median |x|",
    test:
      ({ medianAbs }) =>
      (linf) =>
        linf >= 100 * medianAbs,
  },
  {
    id: "sun",
    // Sun et al. 2402.17762: massive activation.
    label: "Sun et al.: |x| > 100 and ≥ 1,000 × the block's median |x|",
    test:
      ({ medianAbs }) =>
      (linf) =>
        linf > 100 && linf >= 1000 * medianAbs,
  },
  {
    id: "prefixquant",
    // PrefixQuant 2410.05265: ratio of a token's maximum to the median over tokens.
    label: "PrefixQuant: L∞ > 64 × the tokens' median L∞",
    test: ({ residual }) => {
      const typical = median(residual.linf) ?? 0;
      return (linf) => linf > 64 * typical;
    },
  },
];

/** Rows of a trace that a criterion calls outliers; a zero is never one. */
export function outlierRows(trace: LayerTrace, id: OutlierCriterionId): readonly number[] {
  const isOutlier = OUTLIER_CRITERIA.find((criterion) => criterion.id === id)!.test(trace);
  const rows: number[] = [];
  trace.residual.linf.forEach((linf, row) => {
    if (linf > 0 && isOutlier(linf)) rows.push(row);
  });
  return rows;
}
