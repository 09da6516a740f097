import { residualPeak, summarise } from "../trace/summary.ts";
import type { LabState, LaneState, Place } from "./state.ts";

/**
 * The place that views show: the user's choice; else, while the baseline streams, its newest block; else the first
 * block whose residual maximum reaches half of the run's, i.e. where the outliers appear, at its largest token.
 * Null before any trace.
 */
export function shownPlace({ selection, lanes }: Pick<LabState, "selection" | "lanes">): Place | null {
  return selection ?? defaultPlace(lanes.baseline);
}

const cache = new WeakMap<LaneState["rows"], Place | null>();

function defaultPlace(lane: LaneState): Place | null {
  const known = cache.get(lane.rows);
  if (known !== undefined) return known;
  const place = findPlace(lane);
  cache.set(lane.rows, place);
  return place;
}

function findPlace({ rows }: LaneState): Place | null {
  const fresh = rows.flatMap((row) => (row?.fresh ? [row.trace] : []));
  const traces = fresh.length > 0 ? fresh : rows.flatMap((row) => (row ? [row.trace] : []));
  if (traces.length === 0) return null;
  const maxima = traces.map((trace) => summarise(trace.residual.linf).max);
  const half = Math.max(...maxima) / 2;
  const trace =
    traces.length < rows.length ? traces[traces.length - 1]! : traces[maxima.findIndex((max) => max >= half)];
  // A run of not-finite values has no maximum to point at.
  if (trace === undefined) return { block: traces[0]!.block, token: traces[0]!.positions[0] ?? 0 };
  return { block: trace.block, token: residualPeak(trace).token };
}
