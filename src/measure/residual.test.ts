import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measureRows, medianAbs } from "./residual.ts";

describe("measureRows", () => {
  it("reads L-inf with its channel, and L2, row by row", () => {
    const { linf, l2, topChannel } = measureRows(Float32Array.of(1, -5, 2, 0, 3, 4), 3);
    expect([...linf]).toEqual([5, 4]);
    expect([...topChannel]).toEqual([1, 2]);
    expect(l2[0]).toBeCloseTo(Math.sqrt(30), 5);
    expect(l2[1]).toBeCloseTo(5, 5);
  });

  it("does not hide a NaN", () => {
    expect(measureRows(Float32Array.of(1, Number.NaN), 2).linf[0]).toBeNaN();
  });
});

describe("medianAbs", () => {
  it("equals the median of the sorted magnitudes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        (values) => {
          const x = Float32Array.from(values);
          const sorted = [...x].map(Math.abs).sort((a, b) => a - b);
          const middle = Math.floor(sorted.length / 2);
          const expected =
            sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
          expect(medianAbs(x)).toBe(expected);
        },
      ),
    );
  });
});

const kurtosis = (x: Float32Array) => measureRows(x, x.length).kurtosis;

describe("kurtosis", () => {
  it("is 1 for a fair coin, 1.8 for a uniform grid, and large with one outlier", () => {
    expect(kurtosis(Float32Array.of(-1, 1, -1, 1))).toBeCloseTo(1);
    const grid = Float32Array.from({ length: 10001 }, (_, i) => i - 5000);
    expect(kurtosis(grid)).toBeCloseTo(1.8, 3);
    const spiked = new Float32Array(1000).map((_, i) => (i === 0 ? 500 : i % 2 === 0 ? 1 : -1));
    expect(kurtosis(spiked)).toBeGreaterThan(900);
  });
});
