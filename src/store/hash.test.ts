import fc from "fast-check";
import { expect, test } from "vitest";
import { interventionSchema, NO_INTERVENTION } from "../intervention/intervention.ts";
import { parseHash, writeHash } from "./hash.ts";

test("an empty hash is no state", () => {
  expect(parseHash("")).toBeNull();
  expect(parseHash("#")).toBeNull();
  expect(writeHash({ intervention: NO_INTERVENTION, sample: null })).toBe("");
});

test("a full state is readable in the address", () => {
  const intervention = interventionSchema.parse({
    prefix: { registers: "ab12", from: 4, to: 11, count: 4 },
    delete: { block: 7, count: 8, by: "similarity", registers: "ab12" },
    quantize: { weightBits: 8, activationBits: 8 },
  });
  const hash = writeHash({ intervention, sample: "scene-bag.png" });
  expect(hash).toBe(
    "#prefix=ab12,4,11,4&delete=7,8,similarity,ab12&quantize=8,8,per-tensor&sample=scene-bag.png",
  );
});

test("whatever is written is read back", () => {
  const block = fc.integer({ min: 0, max: 40 });
  const most = fc.integer({ min: 1, max: 4096 });
  const registers = fc.string({ minLength: 1 }).filter((text) => !/[\ud800-\udfff]/.test(text));
  const intervention = fc.record({
    prefix: fc.option(
      fc.record(
        {
          ...{ registers, from: block, to: block, count: fc.constantFrom(0.5, 1, 2.25, 15, 1000) },
          distinct: fc.integer({ min: 1, max: 4 }),
        },
        { requiredKeys: ["registers", "from", "to", "count"] },
      ),
    ),
    delete: fc.option(
      fc.oneof(
        fc.record(
          { block, count: most, by: fc.constantFrom("linf", "similarity"), registers },
          { requiredKeys: ["block", "count", "by"] },
        ),
        fc.record({ block, count: most, by: fc.constant("linf"), tensor: fc.constant("post-ln") }),
        fc.record(
          {
            ...{
              block,
              by: fc.constant("criterion"),
              criterion: fc.constantFrom("darcet", "jiang", "similarity"),
            },
            ...{ above: fc.double({ min: 0.001, max: 0.999 }), atMost: most, registers },
          },
          { requiredKeys: ["block", "by", "criterion"] },
        ),
      ),
    ),
    quantize: fc.option(
      fc.record({
        weightBits: fc.integer({ min: 2, max: 8 }),
        activationBits: fc.integer({ min: 2, max: 8 }),
        weightGranularity: fc.constantFrom("per-tensor", "per-channel"),
      }),
    ),
  });
  fc.assert(
    fc.property(intervention, fc.option(fc.constantFrom("a.png", "scene_2-b.webp")), (raw, sample) => {
      const state = { intervention: interventionSchema.parse(raw), sample };
      expect(parseHash(writeHash(state)) ?? { intervention: NO_INTERVENTION, sample: null }).toEqual(state);
    }),
  );
});

test.each([
  ["#delete=7,8,linf,tensor=post-ln", { block: 7, count: 8, by: "linf", tensor: "post-ln" }],
  ["#delete=7,criterion=prefixquant", { block: 7, by: "criterion", criterion: "prefixquant" }],
  [
    "#delete=7,criterion=similarity,above=0.4,at-most=8,registers=ab12",
    { ...{ block: 7, by: "criterion", criterion: "similarity", above: 0.4 }, atMost: 8, registers: "ab12" },
  ],
])("a deletion is readable in the address: %s", (hash, deletion) => {
  const state = { intervention: interventionSchema.parse({ delete: deletion }), sample: null };
  expect(writeHash(state)).toBe(hash);
  expect(parseHash(hash)).toEqual(state);
});

test("the further settings of a quantizer are in the address, and read back", () => {
  const quantizers = [
    { arithmetic: "int8", clip: { kind: "ratio", ratio: 0.9 } },
    { range: { kind: "static", statistic: "percentile", percentile: 99.9 }, calibration: "probe, 32" },
    { excludeOutliers: { kind: "ratio", above: 64 }, linears: ["qkv", "fc2"], blocks: [3, 7] },
    { clip: { kind: "absolute", limit: 2.5 }, activationScheme: "asymmetric", range: { kind: "dynamic" } },
    { smoothQuant: { alpha: 0.5 }, range: { kind: "static", statistic: "min-max" }, calibration: "a" },
    { base: "repq-vit", calibration: "a", weightBits: 4 },
    { base: "ptq4vit", calibration: "a", attention: true, scaleSearch: "hessian" },
    { activationGranularity: "per-token", excludeOutliers: undefined },
    { range: { kind: "dynamic-batch", batch: 8 }, arithmetic: "int8" },
  ];
  for (const fields of quantizers) {
    const quantize = { weightBits: 8, activationBits: 8, ...fields };
    const state = { intervention: interventionSchema.parse({ quantize }), sample: null };
    expect(parseHash(writeHash(state))).toEqual(state);
  }
  const intervention = interventionSchema.parse({
    quantize: { weightBits: 8, activationBits: 8, ...quantizers[2] },
  });
  expect(writeHash({ intervention, sample: null })).toBe(
    "#quantize=8,8,per-tensor,exclude=64x,linears=qkv+fc2,blocks=3+7",
  );
});

test.each([
  ["#quantize=8,8,per-tensor,arithmetic=int4", "an unknown arithmetic"],
  ["#quantize=4,4,per-tensor,arithmetic=int8", "int8 at 4 bits"],
  ["#quantize=8,8,per-tensor,speed=fast", "an unknown setting of the quantizer"],
  ["#quantize=8,8,per-tensor,clip=x", "no clipping value"],
  ["#quantize=8,8,per-tensor,range=dynamic-batch", "a batch without its size"],
  ["#quantize=8,8,per-tensor,batch=8", "a batch without its range"],
  ["#quantize=8,8,per-tensor,range=dynamic,batch=8", "a batch of another range"],
  ["#prefix=r,4", "too few values"],
  ["#prefix=r,4,x,1", "not a number"],
  ["#delete=7,0,linf", "a count of zero"],
  ["#delete=7,1,size", "an unknown rule"],
  ["#delete=7,criterion=size", "an unknown criterion"],
  ["#delete=7,1,similarity,r,tensor=post-ln", "similarity after LayerNorm"],
  ["#delete=7,criterion=sun,above=3", "a cutoff that the criterion does not have"],
  ["#delete=7,1,linf,r,s", "too many values"],
  ["#quantize=16,16,per-tensor", "too many bits"],
  ["#sample=../../secret", "a path"],
  ["#colour=red", "an unknown key"],
  ["#%", "no key"],
  ["#sample=%E0%A4%A", "broken percent-encoding"],
])("%s is refused: %s", (hash) => {
  expect(() => parseHash(hash)).toThrow(/^The link: expected #prefix=/);
});
