import { expect, test } from "vitest";
import { outlierRows } from "./outliers.ts";
import { testTrace } from "./test-trace.ts";

test("rings read the residual stream after the block, with the trace's own median", () => {
  const trace = testTrace(7, [13, 8, 525, 99, 300], [0, 1, 2, 3, 5], { medianAbs: 0.5 });
  expect(outlierRows(trace, "median-100")).toEqual([2, 3, 4]);
  expect(outlierRows(trace, "sun")).toEqual([2]);
  expect(outlierRows({ ...trace, medianAbs: 0.05 }, "sun")).toEqual([2, 4]);
});
