import { expect, test } from "vitest";
import { outlierRows } from "./outliers.ts";
import { testTrace } from "./test-trace.ts";

const trace = testTrace(7, [13, 8, 525, 99, 300], [0, 1, 2, 3, 5], { medianAbs: 0.5 });

test("100 x the median |x|", () => {
  expect(outlierRows(trace, "median-100")).toEqual([2, 3, 4]);
});

test("Sun et al.: above 100 and at least 1,000 x the median |x|", () => {
  expect(outlierRows(trace, "sun")).toEqual([2]);
  expect(outlierRows({ ...trace, medianAbs: 0.05 }, "sun")).toEqual([2, 4]);
});

test("PrefixQuant: more than 64 x the tokens' median", () => {
  const quiet = testTrace(0, [1, 1, 1, 65, 64]);
  expect(outlierRows(quiet, "prefixquant")).toEqual([3]);
});

test("an all-zero block has no outliers", () => {
  expect(outlierRows(testTrace(0, [0, 0], [0, 1], { medianAbs: 0 }), "median-100")).toEqual([]);
});
