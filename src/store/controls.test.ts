import { describe, expect, test } from "vitest";
import { interventionSchema, NO_INTERVENTION } from "../intervention/intervention.ts";
import { accuracyConfigurations } from "./accuracy.ts";
import { type Controls, clampControls, toIntervention, withIntervention } from "./controls.ts";
import { defaultControls, linkedControls } from "./defaults.ts";

const spec = { blocks: 12, grid: 14 };
/** Registers of the method, curated by themselves. */
const outliers = (id: string, distinct: number) =>
  ({ id, kind: "outliers", curation: `of ${id}`, block: 6, distinct }) as const;
const registers = [outliers("r1", 2)];

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
    prefix: {
      ...{ on: true, from: 9, to: 11, count: 500, distinct: 4 },
      ...{ alternative: null, kind: "outliers" as const },
    },
    deletion: {
      ...defaultControls(spec, registers, null).deletion,
      ...{ block: 11, count: 300, by: "similarity" as const, criterion: "similarity" as const },
    },
  };
  const fitted = clampControls(wide, { blocks: 4, grid: 2 }, []);
  expect(fitted.prefix).toMatchObject({ on: false, from: 3, to: 3, count: 64, distinct: 1 });
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

describe("of a link that does not fit, what fits is used, and the rest is told in words", () => {
  const defaults = defaultControls(spec, registers, null);
  const linked = (intervention: unknown) => {
    const link = { intervention: interventionSchema.parse(intervention), sample: null };
    const { controls, misfits } = linkedControls(defaults, link, spec, registers);
    return { controls, told: misfits.map(({ message }) => message) };
  };
  const quantize = { weightBits: 6, activationBits: 6, weightGranularity: "per-channel" };
  const prefix = { registers: "r1", from: 1, to: 11, count: 1 };

  test("one that fits", () => {
    const { controls, told } = linked({ prefix, quantize });
    expect(told).toEqual([]);
    expect(toIntervention(controls)).toMatchObject({ prefix, delete: null, quantize });
  });

  test("registers that are not here", () => {
    const { controls, told } = linked({
      prefix: { ...prefix, registers: "gone", distinct: 2 },
      delete: { block: 5, count: 3, by: "similarity", registers: "gone" },
      quantize,
    });
    expect(told).toEqual([
      "The link: expected registers gone of the encoder that is open, got none of that name in this browser. Open their registers file, or curate them again from the same images (panel Registers). Until then the register prefix and deletion by similarity are off; all else is as in the link.",
    ]);
    expect(toIntervention(controls)).toMatchObject({ prefix: null, delete: null, quantize });
    expect(controls.prefix).toMatchObject({ on: false, from: 1, to: 11, count: 1, distinct: 2 });
    expect(controls.deletion).toMatchObject({ on: false, block: 5, count: 3, by: "similarity" });
  });

  test("a deletion that needs no registers stays", () => {
    const deletion = { block: 5, count: 3, by: "linf" };
    const { controls, told } = linked({ prefix: { ...prefix, registers: "gone" }, delete: deletion });
    expect(told[0]).toMatch(/Until then the register prefix is off/);
    expect(toIntervention(controls)).toMatchObject({ prefix: null, delete: deletion });
  });

  test("blocks that are not there", () => {
    const { controls, told } = linked({ prefix: { ...prefix, to: 40 }, quantize });
    expect(told).toEqual([
      "The link: expected settings of the encoder that is open (12 blocks, 196 patches), got a prefix in blocks 1 to 40, 1 times 1. The nearest that it has is used; all else is as in the link.",
    ]);
    expect(toIntervention(controls)).toMatchObject({ prefix, quantize });
  });
});

describe("the paper's controls in place of the registers", () => {
  const control = (kind: "random-sink" | "mean-token", id: string, curation = "of r1") => ({
    ...outliers(id, 1),
    ...{ kind, curation },
  });
  const known = [...registers, control("random-sink", "s1"), control("mean-token", "m1"), outliers("r2", 1)];
  const fitted = (controls: Controls) => clampControls(controls, spec, known);
  const withStandIn = (id: string | null) => {
    const controls = defaultControls(spec, known, null);
    const deletion = { ...controls.deletion, by: "similarity" as const };
    return fitted({ ...controls, deletion, prefix: { ...controls.prefix, distinct: 2, alternative: id } });
  };

  test("stand in for the prefix alone: deletion still measures by the registers", () => {
    const controls = withStandIn("s1");
    expect(controls.prefix).toMatchObject({ alternative: "s1", kind: "random-sink", distinct: 1 });
    expect(toIntervention(controls)).toMatchObject({
      prefix: { registers: "s1" },
      delete: { registers: "r1" },
    });
    expect(toIntervention(withStandIn(null)).prefix).toMatchObject({ registers: "r1", distinct: 2 });
  });

  test("survive a link, with the deletion and alone", () => {
    const whole = toIntervention(withStandIn("m1"));
    for (const intervention of [whole, { ...whole, delete: null }]) {
      const defaults = defaultControls(spec, known, null);
      const { controls, misfits } = linkedControls(defaults, { intervention, sample: null }, spec, known);
      expect(misfits).toEqual([]);
      expect(controls).toMatchObject({ registers: "r1", prefix: { alternative: "m1", kind: "mean-token" } });
      expect(toIntervention(controls)).toEqual(intervention);
    }
  });

  test("are dropped with the registers that they belong to", () => {
    const other = fitted({ ...withStandIn("s1"), registers: "r2" });
    expect(toIntervention(other).prefix?.registers).toBe("r2");
    expect(other.prefix).toMatchObject({ alternative: null, kind: "outliers" });
  });

  test("are used alone where the method's registers are not here", () => {
    const alone = [control("random-sink", "s9", "another")];
    const controls = clampControls(
      { ...withStandIn(null), registers: "s9" },
      { blocks: 12, grid: 14 },
      alone,
    );
    expect(controls.registers).toBeNull();
    expect(toIntervention(controls).prefix?.registers).toBe("s9");
    expect(defaultControls(spec, alone, null)).toMatchObject({ registers: null, prefix: { on: false } });
  });

  test("have rows of their own name in the accuracy", () => {
    const names = (id: string | null) => accuracyConfigurations(withStandIn(id)).map(({ name }) => name);
    expect(names("s1")).toEqual(["fp32", "naive-w8a8", "random-sink-w8a8"]);
    expect(names(null)).toEqual(["fp32", "naive-w8a8", "regcache-w8a8"]);
  });
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

test("a file with fewer distinct registers is used with what it has, and a link that wants more is told so", () => {
  const two = withIntervention(defaultControls(spec, registers, null), {
    ...NO_INTERVENTION,
    prefix: { registers: "r1", from: 2, to: 9, count: 1, distinct: 2 },
  });
  const one = outliers("r2", 1);
  const known = [...registers, one];
  expect(toIntervention(clampControls(two, spec, known)).prefix?.distinct).toBe(2);
  expect(toIntervention(clampControls({ ...two, registers: "r2" }, spec, known)).prefix).toEqual({
    ...{ registers: "r2", from: 2, to: 9, count: 1 },
  });
  const link = { intervention: toIntervention(two), sample: null };
  const only = [outliers("r1", 1)];
  const { misfits, controls } = linkedControls(defaultControls(spec, only, null), link, spec, only);
  expect(misfits.map(({ message }) => message)).toEqual([expect.stringContaining("1 times 2")]);
  expect(controls.prefix).toMatchObject({ on: true, from: 2, to: 9, distinct: 1 });
});
