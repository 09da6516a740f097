import { describe, expect, it } from "vitest";
import { interventionSchema, NO_INTERVENTION } from "./intervention.ts";

describe("interventionSchema", () => {
  it("fills in what is absent with the unmodified encoder", () => {
    expect(interventionSchema.parse({})).toEqual(NO_INTERVENTION);
  });

  it("survives JSON", () => {
    const intervention = interventionSchema.parse({
      prefix: { registers: "abc", from: 4, to: 11, count: 3.5 },
      delete: { block: 7, count: 8, by: "similarity", registers: "abc" },
      quantize: { weightBits: 6, activationBits: 6 },
    });
    expect(interventionSchema.parse(JSON.parse(JSON.stringify(intervention)))).toEqual(intervention);
    expect(intervention.quantize?.weightGranularity).toBe("per-tensor");
  });

  it("adds nothing to a naive quantization, so that its cache keys and links stay what they were", () => {
    const quantize = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" };
    expect(interventionSchema.parse({ quantize }).quantize).toEqual(quantize);
  });

  const w8a8 = { weightBits: 8, activationBits: 8 };
  it.each([
    { arithmetic: "int8", clip: { kind: "ratio", ratio: 0.5 } },
    { arithmetic: "int8", activationScheme: "asymmetric" },
    { attention: true, clip: { kind: "ratio", ratio: 0.5 }, activationScheme: "asymmetric" },
    { attention: true, base: "ptq4vit", calibration: "a" },
    { scaleSearch: "hessian", base: "ptq4vit", calibration: "a" },
    { activationScheme: "asymmetric", activationGranularity: "per-token" },
    { range: { kind: "static", statistic: "percentile", percentile: 99.9 }, calibration: "a" },
    { excludeOutliers: { kind: "ratio", above: 64 }, weightBits: 4 },
    { base: "repq-vit", calibration: "a", weightBits: 4, activationBits: 4 },
    { smoothQuant: { alpha: 0.5 }, calibration: "a", arithmetic: "int8" },
    { range: { kind: "dynamic-batch", batch: 64 }, excludeOutliers: { kind: "absolute", above: 20 } },
    { range: { kind: "dynamic-batch", batch: 2 }, arithmetic: "int8", clip: { kind: "ratio", ratio: 0.5 } },
  ])("accepts the quantizer %j", (fields) => {
    expect(interventionSchema.safeParse({ quantize: { ...w8a8, ...fields } }).success).toBe(true);
  });

  it.each([
    [{ arithmetic: "int8", weightBits: 4 }, /8 bits/],
    [{ arithmetic: "int8", excludeOutliers: { kind: "ratio", above: 64 } }, /kernels/],
    [{ arithmetic: "int8", activationGranularity: "per-token" }, /kernels/],
    [{ range: { kind: "static", statistic: "percentile" } }, /percentile/],
    [{ range: { kind: "static", statistic: "min-max", percentile: 99 } }, /percentile/],
    [
      { range: { kind: "static", statistic: "min-max" }, activationGranularity: "per-token" },
      /per token are dynamic/,
    ],
    [{ range: { kind: "dynamic-batch", batch: 1 } }, /batch/],
    [{ range: { kind: "dynamic-batch", batch: 8 }, activationGranularity: "per-token" }, /in every batch/],
    [
      { range: { kind: "dynamic-batch", batch: 8 }, excludeOutliers: { kind: "ratio", above: 8 } },
      /one image's tokens/,
    ],
    [{ base: "repq-vit", range: { kind: "dynamic-batch", batch: 8 } }, /sets this itself/],
    [{ base: "ptq4vit", range: { kind: "static", statistic: "min-max" } }, /sets this itself/],
    [{ clip: { kind: "ratio", ratio: 1.5 } }, /ratio/],
    [{ attention: true, arithmetic: "int8" }, /linears only/],
    [{ attention: true, activationGranularity: "per-token" }, /sum over tokens/],
    [{ attention: true, excludeOutliers: { kind: "ratio", above: 64 } }, /not of attention/],
    [{ attention: "on" }, /attention/],
    [{ scaleSearch: "hessian", base: "repq-vit" }, /only PTQ4ViT/],
  ])("refuses the quantizer %j", (fields, says) => {
    const parsed = interventionSchema.safeParse({ quantize: { ...w8a8, ...fields } });
    expect(JSON.stringify(parsed.error?.issues)).toMatch(says);
  });

  it.each([
    { prefix: { registers: "abc", from: 4, to: 11, count: 0 } },
    { prefix: { registers: "abc", from: -1, to: 11, count: 1 } },
    { delete: { block: 7, count: 1.5, by: "linf" } },
    { delete: { block: 7, count: 1, by: "size" } },
    { quantize: { weightBits: 16, activationBits: 8 } },
    { prefixes: null },
  ])("refuses %j", (value) => {
    expect(interventionSchema.safeParse(value).success).toBe(false);
  });
});
