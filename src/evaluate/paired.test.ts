import fc from "fast-check";
import { expect, test } from "vitest";
import { pairedDifference } from "./paired.ts";

const counts = (both: number, firstOnly: number, secondOnly: number, neither: number) => ({
  both,
  firstOnly,
  secondOnly,
  neither,
});

// Newcombe, Stat. Med. 17 (1998) 2635-2650, table III, rows of method 10 (four decimals as printed).
test.each([
  [36, 12, 2, 0, 0.0569, 0.3404],
  [20, 12, 2, 16, 0.0562, 0.3292],
  [18, 12, 2, 18, 0.0562, 0.329],
  [36, 14, 0, 0, 0.1528, 0.4167],
  [35, 14, 0, 1, 0.1461, 0.4175],
  [18, 14, 0, 18, 0.1441, 0.3963],
  [2, 97, 1, 0, 0.8721, 0.9854],
  [1, 97, 1, 1, 0.8736, 0.985],
  [0, 29, 1, 0, 0.6666, 0.9882],
  [2, 98, 0, 0, 0.9178, 0.9945],
])("Newcombe's table III: %i, %i, %i, %i", (a, b, c, d, low, high) => {
  const { interval } = pairedDifference(counts(a, b, c, d));
  expect(interval[0]).toBeCloseTo(low, 3.7);
  expect(interval[1]).toBeCloseTo(high, 3.7);
});

// Cavo et al. 2012, in Fagerland, Lydersen & Laake, "Statistical Analysis of Contingency Tables", ch. 8.
test("Fagerland's table of complete response before and after consolidation", () => {
  const { value, interval } = pairedDifference(counts(59, 6, 16, 80));
  expect(value).toBeCloseTo(-0.0621, 4);
  expect(interval[0]).toBeCloseTo(-0.1186, 4);
  expect(interval[1]).toBeCloseTo(-0.0046, 4);
});

test("swapping the two classifiers mirrors the interval", () => {
  const cell = fc.integer({ min: 0, max: 500 });
  fc.assert(
    fc.property(cell, cell, cell, cell, (a, b, c, d) => {
      fc.pre(a + b + c + d > 0);
      const forward = pairedDifference(counts(a, b, c, d));
      const backward = pairedDifference(counts(a, c, b, d));
      expect(forward.value).toBeCloseTo(-backward.value, 12);
      expect(forward.interval[0]).toBeCloseTo(-backward.interval[1], 12);
      expect(forward.interval[0]).toBeLessThanOrEqual(forward.value);
      expect(forward.interval[0]).toBeGreaterThanOrEqual(-1);
      expect(forward.interval[1]).toBeLessThanOrEqual(1);
    }),
  );
});

test("nothing is known without an item", () => {
  expect(pairedDifference(counts(0, 0, 0, 0))).toEqual({ value: 0, interval: [-1, 1] });
});
