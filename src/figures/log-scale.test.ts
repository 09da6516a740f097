import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  cellMark,
  chooseDomain,
  colourIndex,
  logPosition,
  logTicks,
  niceCeil,
  niceFloor,
} from "./log-scale.ts";

describe("nice 1-3-10 values", () => {
  test.each([
    [525, 300, 1000],
    [3, 3, 3],
    [0.3, 0.3, 0.3],
    [9.99, 3, 10],
    [10, 10, 10],
    [0.02, 0.01, 0.03],
  ])("%s lies between %s and %s", (value, floor, ceil) => {
    expect(niceFloor(value)).toBe(floor);
    expect(niceCeil(value)).toBe(ceil);
  });

  test("every positive value lies between its nice neighbours", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (value) => {
        expect(niceFloor(value)).toBeLessThanOrEqual(value * (1 + 1e-9));
        expect(niceCeil(value)).toBeGreaterThanOrEqual(value * (1 - 1e-9));
        expect(niceCeil(value) / niceFloor(value)).toBeLessThan(3.4);
      }),
    );
  });
});

test("ticks are 1, 3, 10 ... with both ends", () => {
  expect(logTicks({ low: 0.3, high: 1000 })).toEqual([0.3, 1, 3, 10, 30, 100, 300, 1000]);
});

test("a domain holds the run's maximum and nearly all else, and spans two decades at least", () => {
  expect(chooseDomain([Float32Array.of(2, 5, 525)])).toEqual({ low: 1, high: 1000 });
  expect(chooseDomain([Float32Array.of(5, 6), Float32Array.of(7)])).toEqual({ low: 0.1, high: 10 });
  expect(chooseDomain([Float32Array.of(0, Number.NaN)])).toBeNull();
});

test("cells are marked by what they are", () => {
  const domain = { low: 1, high: 100 };
  const marks = [0, 0.5, 1, 50, 100, 101, Number.NaN, Number.POSITIVE_INFINITY].map((v) =>
    cellMark(v, domain),
  );
  expect(marks).toEqual(["zero", "below", "value", "value", "value", "above", "not-finite", "not-finite"]);
});

test("colours are log-linear and clamped", () => {
  const domain = { low: 1, high: 100 };
  expect([0.1, 1, 10, 100, 5000].map((v) => colourIndex(v, domain))).toEqual([0, 0, 128, 255, 255]);
  expect(logPosition(domain, 200)(10)).toBeCloseTo(100);
});
