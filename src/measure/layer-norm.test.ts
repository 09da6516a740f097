import { expect, test } from "vitest";
import { layerNorm } from "./layer-norm.ts";

test("centres, scales by the biased variance, then applies scale and shift, row by row", () => {
  const x = Float32Array.of(1, 3, 5, 5, 2, 2);
  const norm = { weight: Float32Array.of(1, 2), bias: Float32Array.of(0, 10) };
  // (1, 3): mean 2, variance 1; with eps 0.5625 the root is 1.25. Rows of one value become the shift.
  expect([...layerNorm(x, norm, 0.5625)]).toEqual([Math.fround(-0.8), Math.fround(11.6), 0, 10, 0, 10]);
});
