import { describe, expect, it } from "vitest";
import { quantizationSchema } from "../intervention/quantization.ts";
import {
  bitsOf,
  calibrationName,
  calibrationNamed,
  changeQuantizer,
  quantizationFor,
  quantizerOf,
} from "./quantizer.ts";

const MIN_MAX = { kind: "static", statistic: "min-max" } as const;

describe("changeQuantizer", () => {
  it("int8 makes the bits W8A8, and other bits end int8", () => {
    const int8 = changeQuantizer({ bits: "w4a4", quantizer: {} }, { quantizer: { arithmetic: "int8" } });
    expect(int8).toEqual({ bits: "w8a8", quantizer: { arithmetic: "int8" } });
    expect(changeQuantizer(int8, { bits: "w6a4" })).toEqual({ bits: "w6a4", quantizer: {} });
    expect(changeQuantizer(int8, { bits: "fp32" })).toEqual({
      bits: "fp32",
      quantizer: { arithmetic: "int8" },
    });
  });

  it("what was chosen last wins over what contradicts it", () => {
    const from = (quantizer: object, change: object) =>
      changeQuantizer({ bits: "w8a8", quantizer }, { quantizer: change }).quantizer;
    expect(from({ range: MIN_MAX, clip: { kind: "ratio", ratio: 0.5 } }, { base: "ptq4vit" })).toEqual({
      base: "ptq4vit",
    });
    expect(from({ base: "ptq4vit", linears: ["fc2"] }, { range: MIN_MAX })).toEqual({
      range: MIN_MAX,
      linears: ["fc2"],
    });
    expect(from({ range: MIN_MAX }, { activationGranularity: "per-token" })).toEqual({
      activationGranularity: "per-token",
    });
    expect(from({ activationGranularity: "per-token" }, { arithmetic: "int8" })).toEqual({
      arithmetic: "int8",
    });
    expect(from({ arithmetic: "int8" }, { activationGranularity: "per-token" })).toEqual({
      activationGranularity: "per-token",
    });
    expect(from({ arithmetic: "int8" }, { activationScheme: "asymmetric" })).toEqual({
      arithmetic: "int8",
      activationScheme: "asymmetric",
    });
    expect(from({ attention: true }, { arithmetic: "int8" })).toEqual({ arithmetic: "int8" });
    expect(from({ arithmetic: "int8" }, { attention: true })).toEqual({ attention: true });
    expect(from({ activationGranularity: "per-token" }, { attention: true })).toEqual({ attention: true });
    expect(from({ base: "ptq4vit", scaleSearch: "hessian", attention: true }, { base: "repq-vit" })).toEqual({
      base: "repq-vit",
      attention: true,
    });
    expect(from({ clip: { kind: "ratio", ratio: 0.5 } }, { clip: undefined })).toEqual({});
  });
});

it("a quantization goes into the controls and comes out the same, with the page's calibration images", () => {
  const quantize = quantizationSchema.parse({
    weightBits: 6,
    activationBits: 4,
    range: MIN_MAX,
    blocks: [2],
  });
  const back = quantizationFor(bitsOf(quantize) as "w6a4", quantize.weightGranularity, quantizerOf(quantize));
  expect(back).toEqual({ ...quantize, calibration: "dataset" });
});

it("a choice of calibration images survives a link where it can", () => {
  for (const limit of [1, 32, 500]) {
    const choice = { images: "dataset", limit } as const;
    expect(calibrationNamed(calibrationName(choice))).toEqual(choice);
  }
  expect(calibrationName({ images: "dataset", limit: 32 })).toBe("dataset");
  // Images of the user's own do not come with a link, and 0 images are none.
  for (const name of [calibrationName({ images: 2, limit: 64 }), "dataset-x", undefined]) {
    expect(calibrationNamed(name)).toEqual({ images: "dataset", limit: 32 });
  }
  expect(calibrationNamed("dataset-0").limit).toBe(1);
});
