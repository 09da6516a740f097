import { describe, expect, it } from "vitest";
import { largestLevel } from "./grid.ts";
import { quantizeWeight } from "./weights.ts";

describe("quantizeWeight", () => {
  it("rounds to s * {-qmax..qmax} with s = max|w| / qmax, half to even", () => {
    // 3 bits: qmax 3, s = 1; 0.5 and 1.5 are ties.
    const rounded = quantizeWeight(Float32Array.of(3, 0.5, 1.5, -2.5, -0.4, 2.6), 1, 3, "per-tensor");
    expect([...rounded].map((v) => v + 0)).toEqual([3, 0, 2, -2, 0, 3]);
  });

  it("takes the range per output channel when asked", () => {
    const weight = Float32Array.of(100, 40, 1, 0.4);
    expect([...quantizeWeight(weight, 2, 2, "per-tensor")]).toEqual([100, 0, 0, 0]);
    expect([...quantizeWeight(weight, 2, 2, "per-channel")]).toEqual([100, 0, 1, 0]);
  });

  it("never errs by more than half a step, and uses at most 2^b - 1 levels", () => {
    const weight = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * 1.7) * 3);
    for (const bits of [2, 4, 6, 8]) {
      const rounded = quantizeWeight(weight, 64, bits, "per-tensor");
      const step = 3 / largestLevel(bits);
      weight.forEach((value, i) => {
        expect(Math.abs(value - rounded[i]!)).toBeLessThanOrEqual(step / 2 + 1e-6);
      });
      expect(new Set(rounded.map((v) => v + 0)).size).toBeLessThanOrEqual(2 ** bits - 1);
    }
  });

  it("leaves zeros alone", () => {
    expect([...quantizeWeight(new Float32Array(4), 2, 8, "per-channel")]).toEqual([0, 0, 0, 0]);
  });
});
