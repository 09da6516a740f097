import { expect, test } from "vitest";
import { cosine } from "./cosine.ts";

test("known angles", () => {
  expect(cosine(Float32Array.of(1, 0), Float32Array.of(3, 3))).toBeCloseTo(Math.SQRT1_2, 12);
  expect(cosine(Float32Array.of(1, 2, 3), Float32Array.of(-2, -4, -6))).toBe(-1);
  expect(cosine(Float32Array.of(1, 0), Float32Array.of(0, 1))).toBe(0);
});

test("a vector with itself never exceeds 1", () => {
  const vector = Float32Array.from({ length: 193 }, (_, i) => Math.sin(i) * 1e3);
  const value = cosine(vector, vector);
  expect(value).toBeLessThanOrEqual(1);
  expect(value).toBeCloseTo(1, 12);
});

test("a zero vector has no direction", () => {
  expect(cosine(Float32Array.of(0, 0), Float32Array.of(1, 1))).toBeNaN();
});
