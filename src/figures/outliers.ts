import { type OutlierCriterionId, outlierRows as rowsOf } from "../measure/outlier-criteria.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";

/** Rows of a trace that a criterion calls outliers in the residual stream after the block: those that get a ring. */
export function outlierRows({ residual, medianAbs }: LayerTrace, id: OutlierCriterionId): readonly number[] {
  return rowsOf({ ...residual, medianAbs }, id);
}
