import { expect, test } from "vitest";
import {
  formatBlocks,
  formatBytes,
  formatCount,
  formatMagnitude,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatProgress,
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

test("progress reads with its unit, where it is known", () => {
  const text = (stage: string, done = 3, total = 30) => formatProgress({ stage, done, total });
  expect(text("Curating (images)")).toBe("Curating: 3 of 30 images");
  expect(text("Search, coarse")).toBe("Search, coarse: 3 of 30");
  expect(text("Reading (bytes)", 1_500_000, 3_000_000)).toBe("Reading: 1.5 MB of 3.0 MB");
  expect(text("Opening (parts)", 0, 0)).toBe("Opening");
});
