import { describe, expect, test } from "vitest";
import { OUTLIER_CRITERIA, OUTLIER_CRITERION_IDS, outlierRows } from "./outlier-criteria.ts";

const state = (linf: number[], medianAbs: number, l2 = linf) => ({
  linf: Float32Array.from(linf),
  l2: Float32Array.from(l2),
  medianAbs,
});

describe("criteria", () => {
  const massive = state([13, 8, 525, 99, 300], 0.5);

  test("every id has one", () => {
    expect(OUTLIER_CRITERIA.map(({ id }) => id)).toEqual([...OUTLIER_CRITERION_IDS]);
  });

  test("100 x the median |x|", () => {
    expect(outlierRows(massive, "median-100")).toEqual([2, 3, 4]);
  });

  test("Sun et al.: above 100 and at least 1,000 x the median |x|", () => {
    expect(outlierRows(massive, "sun")).toEqual([2]);
    expect(outlierRows({ ...massive, medianAbs: 0.05 }, "sun")).toEqual([2, 4]);
  });

  test("Mind the Spike differs from Sun et al. at exactly 100", () => {
    const edge = state([100, 101, 99], 0.1);
    expect(outlierRows(edge, "mind-the-spike")).toEqual([0, 1]);
    expect(outlierRows(edge, "sun")).toEqual([1]);
    expect(outlierRows({ ...edge, medianAbs: 0.2 }, "mind-the-spike")).toEqual([]);
  });

  test("PrefixQuant: more than 64 x the tokens' median", () => {
    expect(outlierRows(state([1, 1, 1, 65, 64], 0.5), "prefixquant")).toEqual([3]);
  });

  test("Darcet et al. and Jiang et al.: L2 beyond a cutoff that may be set", () => {
    const norms = state([1, 1, 1, 1], 0.5, [150, 151, 75, 76]);
    expect(outlierRows(norms, "darcet")).toEqual([1]);
    expect(outlierRows(norms, "jiang")).toEqual([0, 1, 3]);
    expect(outlierRows(norms, "jiang", 74)).toEqual([0, 1, 2, 3]);
  });

  test("an all-zero state has no outliers", () => {
    expect(outlierRows(state([0, 0], 0), "median-100")).toEqual([]);
  });
});
