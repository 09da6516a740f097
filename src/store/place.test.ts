import { describe, expect, test } from "vitest";
import { testTrace } from "../figures/test-trace.ts";
import { shownPlace } from "./place.ts";
import { emptyLanes } from "./state.ts";

describe("the shown place", () => {
  const lanes = emptyLanes(3);
  const withRows = (...traces: ReturnType<typeof testTrace>[]) => ({
    ...lanes,
    baseline: {
      ...lanes.baseline,
      rows: lanes.baseline.rows.map((_, i) => (traces[i] ? { trace: traces[i], fresh: true } : null)),
    },
  });
  const traces = [testTrace(0, [5, 1]), testTrace(1, [1, 400]), testTrace(2, [1, 500])] as const;

  test("is nothing before a run, the newest block while it streams", () => {
    expect(shownPlace({ selection: null, lanes })).toBeNull();
    expect(shownPlace({ selection: null, lanes: withRows(traces[0]) })).toEqual({ block: 0, token: 0 });
  });

  test("is where the outliers appear once it is done", () => {
    expect(shownPlace({ selection: null, lanes: withRows(...traces) })).toEqual({ block: 1, token: 1 });
  });

  test("is the user's choice when there is one", () => {
    const selection = { block: 2, token: 0 };
    expect(shownPlace({ selection, lanes: withRows(...traces) })).toBe(selection);
  });
});
