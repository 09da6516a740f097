import { expect, test } from "vitest";
import {
  formatBlocks,
  formatBytes,
  formatCount,
  formatMagnitude,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatTick,
} from "./format.ts";

test.each([
  [525.27, "525.3"],
  [12.3449, "12.34"],
  [1, "1.000"],
  [0.00123456, "0.001235"],
  [0.000025, "2.50e-5"],
  [123456, "1.23e+5"],
  [0, "0"],
  [Number.NaN, "not finite"],
  [Number.POSITIVE_INFINITY, "not finite"],
])("a magnitude of %s reads %s", (value, text) => {
  expect(formatMagnitude(value)).toBe(text);
});

test("counts, proportions, points, bytes and ticks", () => {
  expect(formatCount(1024)).toBe("1,024");
  expect([4.267, 93.66, 1234.4].map(formatMilliseconds)).toEqual(["4.27 ms", "93.7 ms", "1,234 ms"]);
  expect(formatPercent(0.884)).toBe("88.4 %");
  expect(formatPoints(-0.016)).toBe("−1.6 pp");
  expect(formatPoints(0.02)).toBe("+2.0 pp");
  expect(formatPoints(-0.0001)).toBe("0.0 pp");
  expect(formatBytes(22_300_000)).toBe("22.3 MB");
  expect(formatBytes(999)).toBe("999 B");
  expect([0.0003, 0.1, 3, 1000].map(formatTick)).toEqual(["0.0003", "0.1", "3", "1,000"]);
});

test("a range of blocks", () => {
  expect([formatBlocks(2, 5), formatBlocks(3, 3)]).toEqual(["blocks 2 to 5", "block 3"]);
});
