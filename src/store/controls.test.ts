import { expect, test } from "vitest";
import { interventionSchema, NO_INTERVENTION } from "../intervention/intervention.ts";
import { accuracyConfigurations } from "./accuracy.ts";
import { clampControls, toIntervention, withIntervention } from "./controls.ts";
import { defaultControls, linkedControls } from "./defaults.ts";

const spec = { blocks: 12, grid: 14 };
const registers = [{ id: "r1", block: 6, distinct: 2 }];

test("defaults without registers leave the encoder alone", () => {
  const controls = defaultControls(spec, [], null);
  expect(toIntervention(controls)).toEqual(NO_INTERVENTION);
  expect(controls.prefix.on).toBe(false);
});

test("defaults with registers insert before and delete after the candidates' block", () => {
  expect(toIntervention(defaultControls(spec, registers, null))).toEqual({
    prefix: { registers: "r1", from: 4, to: 11, count: 4 },
    delete: { block: 7, count: 8, by: "linf" },
    quantize: null,
  });
});

test("a recommendation is followed; what it leaves out is off", () => {
  const controls = defaultControls(spec, registers, {
    delete: { block: 3, count: 2, by: "similarity" },
  });
  expect(toIntervention(controls)).toEqual({
    prefix: null,
    delete: { block: 3, count: 2, by: "similarity", registers: "r1" },
    quantize: null,
  });
});

test("controls are fitted to a smaller model", () => {
  const wide = {
    ...defaultControls(spec, registers, null),
    prefix: { on: true, from: 9, to: 11, count: 500, distinct: 4 },
    deletion: {
      ...defaultControls(spec, registers, null).deletion,
      ...{ block: 11, count: 300, by: "similarity" as const, criterion: "similarity" as const },
    },
  };
  const fitted = clampControls(wide, { blocks: 4, grid: 2 }, []);
  expect(fitted.prefix).toEqual({ on: false, from: 3, to: 3, count: 64, distinct: 1 });
  expect(fitted.deletion).toMatchObject({
    ...{ on: true, block: 3, count: 3, by: "linf", criterion: "prefixquant" },
  });
  expect(interventionSchema.safeParse(toIntervention(fitted)).success).toBe(true);
});

test("an intervention goes into the controls and comes out the same", () => {
  const intervention = interventionSchema.parse({
    prefix: { registers: "r1", from: 2, to: 9, count: 2.5, distinct: 2 },
    delete: { block: 5, count: 3, by: "similarity", registers: "r1" },
    quantize: { weightBits: 6, activationBits: 6, weightGranularity: "per-channel" },
  });
  expect(toIntervention(withIntervention(defaultControls(spec, registers, null), intervention))).toEqual(
    intervention,
  );
});

test.each([
  { block: 5, count: 3, by: "linf", tensor: "post-ln" },
  { block: 5, by: "criterion", criterion: "sun" },
  { block: 5, by: "criterion", criterion: "jiang", above: 30, atMost: 6, tensor: "post-ln" },
  { block: 5, by: "criterion", criterion: "similarity", above: 0.5, registers: "r1" },
])("a deletion goes into the controls and comes out the same: %j", (deletion) => {
  const intervention = interventionSchema.parse({ delete: deletion });
  const controls = withIntervention(defaultControls(spec, registers, null), intervention);
  expect(toIntervention(clampControls(controls, spec, registers))).toEqual(intervention);
  const isSimilar = deletion.criterion === "similarity";
  expect(toIntervention(clampControls(controls, spec, [])).delete?.by).toBe(
    isSimilar ? "criterion" : deletion.by,
  );
});

test("a whole quantizer goes into the controls and comes out the same; blocks are fitted to the model", () => {
  const intervention = interventionSchema.parse({
    quantize: {
      ...{
        weightBits: 6,
        activationBits: 4,
        activationScheme: "asymmetric",
        clip: { kind: "ratio", ratio: 0.5 },
      },
      ...{ linears: ["fc2"], blocks: [7, 11] },
    },
  });
  const controls = withIntervention(defaultControls(spec, [], null), intervention);
  expect(toIntervention(controls)).toEqual(intervention);
  expect(clampControls(controls, { blocks: 8, grid: 14 }, []).quantizer.blocks).toEqual([7]);
});

test("int8 rows stand beside their simulation", () => {
  const controls = { ...defaultControls(spec, registers, null), quantizer: { arithmetic: "int8" as const } };
  expect(accuracyConfigurations(controls).map(({ name }) => name)).toEqual([
    ...["fp32", "naive-w8a8", "naive-int8", "regcache-w8a8", "regcache-int8"],
  ]);
});

test("a link that the model cannot show is refused in words", () => {
  const defaults = defaultControls(spec, registers, null);
  const link = (registersId: string, to: number) => ({
    intervention: interventionSchema.parse({ prefix: { registers: registersId, from: 1, to, count: 1 } }),
    sample: null,
  });
  expect(linkedControls(defaults, link("r1", 11), spec, registers).prefix).toMatchObject({ from: 1, to: 11 });
  expect(() => linkedControls(defaults, link("other", 11), spec, registers)).toThrow(
    /registers r1.*got .*other/,
  );
  expect(() => linkedControls(defaults, link("r1", 40), spec, registers)).toThrow(/12 blocks/);
});

test("the accuracy compares FP32, naive and RegCache, at W8A8 while the controls say FP32", () => {
  const controls = defaultControls(spec, registers, null);
  expect(accuracyConfigurations(controls).map(({ name }) => name)).toEqual([
    "fp32",
    "naive-w8a8",
    "regcache-w8a8",
  ]);
  expect(accuracyConfigurations({ ...controls, bits: "w4a4" })[2]).toMatchObject({
    name: "regcache-w4a4",
    intervention: { prefix: { registers: "r1" }, quantize: { weightBits: 4, activationBits: 4 } },
  });
  const bare = defaultControls(spec, [], null);
  expect(accuracyConfigurations(bare).map(({ name }) => name)).toEqual(["fp32", "naive-w8a8"]);
});

test("a file with fewer distinct registers is used with what it has, and a link that wants more is refused", () => {
  const two = withIntervention(defaultControls(spec, registers, null), {
    ...NO_INTERVENTION,
    prefix: { registers: "r1", from: 2, to: 9, count: 1, distinct: 2 },
  });
  const one = { id: "r2", block: 6, distinct: 1 };
  const known = [...registers, one];
  expect(toIntervention(clampControls(two, spec, known)).prefix?.distinct).toBe(2);
  expect(toIntervention(clampControls({ ...two, registers: "r2" }, spec, known)).prefix).toEqual({
    ...{ registers: "r2", from: 2, to: 9, count: 1 },
  });
  const link = { intervention: toIntervention(two), sample: null };
  const only = [{ id: "r1", block: 6, distinct: 1 }];
  expect(() => linkedControls(defaultControls(spec, only, null), link, spec, only)).toThrow(/The link/);
});
