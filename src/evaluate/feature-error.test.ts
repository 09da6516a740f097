import { expect, test } from "vitest";
import { meanSquaredError } from "./feature-error.ts";

test("the mean over channels of the squared difference", () => {
  expect(meanSquaredError(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0, 3, 1))).toBe((4 + 9) / 4);
});
