import fc from "fast-check";
import { expect, test } from "vitest";
import { wilsonInterval } from "./wilson.ts";

// Newcombe, Stat. Med. 17 (1998) 857-872, table I, method 3 (score without continuity correction).
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("%i of %i: published interval", (correct, n, low, high) => {
  const interval = wilsonInterval(correct, n);
  expect(interval[0]).toBeCloseTo(low, 4);
  expect(interval[1]).toBeCloseTo(high, 4);
});

test("nothing is known without a trial", () => {
  expect(wilsonInterval(0, 0)).toEqual([0, 1]);
});

test("contains the proportion, stays in [0, 1] and mirrors", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const correct = Math.round(share * n);
      const [low, high] = wilsonInterval(correct, n);
      const mirrored = wilsonInterval(n - correct, n);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThanOrEqual(correct / n);
      expect(high).toBeGreaterThanOrEqual(correct / n);
      expect(low).toBeCloseTo(1 - mirrored[1], 12);
    }),
  );
});
