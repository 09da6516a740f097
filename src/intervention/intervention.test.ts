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
