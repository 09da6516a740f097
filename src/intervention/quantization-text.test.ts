import { expect, test } from "vitest";
import { QUANTIZATION_KEYS, quantizationFields } from "./quantization-text.ts";

test("a key that is not one of a quantizer's is unknown, even where every object has it", () => {
  expect(quantizationFields({ foo: "1" })).toBeNull();
  expect(quantizationFields({ constructor: "1" })).toBeNull();
  for (const key of QUANTIZATION_KEYS) expect(quantizationFields({ [key]: "1" })).not.toBeNull();
});

test("what is no number stays as it was typed, for the schema to refuse", () => {
  expect(quantizationFields({ clip: "-3", blocks: "1+x" })).toEqual({
    clip: { kind: "absolute", limit: -3 },
    blocks: [1, "x"],
  });
});
