import { describe, expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import {
  parseCalibrate,
  parseChoice,
  parseConfigurations,
  parseCriteria,
  parseCurate,
  parseDelete,
  parseInteger,
  parseLastBlocks,
  parsePositive,
  parsePrefix,
  parseQuantize,
  parseRegistersList,
} from "./options.ts";

test("--prefix", () => {
  expect(parsePrefix("from=4,to=11,count=4")).toEqual({ from: 4, to: 11, count: 4 });
  expect(parsePrefix("count=2.5,from=0")).toEqual({ from: 0, count: 2.5 });
  expect(parsePrefix("from=4,count=2,registers=3")).toEqual({ from: 4, count: 2, distinct: 3 });
  expect(() => parsePrefix("from=4,count=2,registers=5")).toThrow(/--prefix: expected .*registers=N/);
});

test("the lists that a search ranges over", () => {
  expect(parseRegistersList("1,2,4")).toEqual([1, 2, 4]);
  expect(() => parseRegistersList("1,5")).toThrow(InputError);
  expect(parseLastBlocks("any")).toBe("any");
  expect(parseLastBlocks("7,9")).toEqual([7, 9]);
  expect(() => parseLastBlocks("7,")).toThrow(InputError);
  expect(parseCriteria("jiang,similarity,jiang")).toEqual(["jiang", "similarity"]);
  expect(parseCriteria("all")).toHaveLength(7);
  expect(() => parseCriteria("linf")).toThrow(InputError);
});

test("--delete", () => {
  expect(parseDelete("block=7,count=8,by=similarity")).toEqual({ block: 7, count: 8, by: "similarity" });
  expect(parseDelete("block=7,count=8")).toEqual({ block: 7, count: 8, by: "linf" });
  expect(parseDelete("block=7,tensor=post-ln,count=8")).toEqual({
    ...{ block: 7, count: 8, by: "linf", tensor: "post-ln" },
  });
  expect(parseDelete("block=7,criterion=prefixquant,at-most=8")).toEqual({
    ...{ block: 7, by: "criterion", criterion: "prefixquant", atMost: 8 },
  });
  expect(parseDelete("block=7,criterion=darcet,above=97.5,tensor=residual")).toEqual({
    ...{ block: 7, by: "criterion", criterion: "darcet", above: 97.5, tensor: "residual" },
  });
});

test("--quantize", () => {
  expect(parseQuantize("w8a8")).toEqual({
    weightBits: 8,
    activationBits: 8,
    weightGranularity: "per-tensor",
  });
  expect(parseQuantize("w4a6,weights=per-channel")).toEqual({
    weightBits: 4,
    activationBits: 6,
    weightGranularity: "per-channel",
  });
});

test("--quantize takes every setting of a quantizer", () => {
  expect(parseQuantize("w8a8,arithmetic=int8,clip=0.9x")).toMatchObject({
    arithmetic: "int8",
    clip: { kind: "ratio", ratio: 0.9 },
  });
  expect(parseQuantize("w6a4,range=99.99,scheme=asymmetric,linears=fc2,blocks=7+8")).toMatchObject({
    range: { kind: "static", statistic: "percentile", percentile: 99.99 },
    activationScheme: "asymmetric",
    linears: ["fc2"],
    blocks: [7, 8],
  });
  expect(parseQuantize("w8a8,base=ptq4vit,attention=on,search=hessian")).toMatchObject({
    base: "ptq4vit",
    attention: true,
    scaleSearch: "hessian",
  });
  expect(parseQuantize("w8a8,attention=off").attention).toBeUndefined();
  expect(() => parseQuantize("w8a8,attention=some")).toThrow(/--quantize/);
  expect(parseQuantize("w8a8,range=dynamic-batch,batch=8").range).toEqual({
    kind: "dynamic-batch",
    batch: 8,
  });
  expect(parseQuantize("w8a8,exclude=20").excludeOutliers).toEqual({ kind: "absolute", above: 20 });
});

test("--curate takes paths with commas", () => {
  expect(parseCurate("block=6,data=my, photos,top=50,limit=3")).toEqual({
    block: 6,
    data: ["my, photos"],
    top: 50,
    limit: 3,
  });
  expect(parseCurate("block=6,data=photos").top).toBe(100);
  expect(parseCurate("data=a,block=6,data=b,c").data).toEqual(["a", "b,c"]);
  expect(parseCalibrate("data=a,data=b")).toEqual({ data: ["a", "b"], limit: 32 });
});

test("--configurations, numbers and choices", () => {
  expect(parseConfigurations("fp32,naive,regcache-fp32")).toEqual(["fp32", "naive", "regcache-fp32"]);
  expect(parseInteger("limit", 1)("12")).toBe(12);
  expect(parsePositive("eps")("1e-12")).toBe(1e-12);
  expect(parseChoice("probe", ["ncm", "own"])("own")).toBe("own");
});

describe("a malformed flag is refused with its right form", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["no pairs", () => parsePrefix("4"), /--prefix: expected from=BLOCK/],
    ["an empty flag", () => parsePrefix(""), /--prefix/],
    ["a missing key", () => parsePrefix("from=4"), /count/],
    ["a key twice", () => parsePrefix("from=4,from=5,count=1"), /--prefix/],
    ["an unknown key", () => parsePrefix("from=4,count=1,until=9"), /until/],
    ["zero registers", () => parsePrefix("from=4,count=0"), /count/],
    ["a fractional block", () => parsePrefix("from=4.5,count=1"), /from: an integer/],
    ["no tokens", () => parseDelete("block=7,count=0"), /count/],
    ["an unknown rule", () => parseDelete("block=7,count=1,by=l2"), /linf\|similarity/],
    ["neither a count nor a criterion", () => parseDelete("block=7"), /count/],
    ["a count beside a criterion", () => parseDelete("block=7,count=1,criterion=sun"), /at-most/],
    ["an unknown criterion", () => parseDelete("block=7,criterion=big"), /prefixquant/],
    ["registers in --delete", () => parseDelete("block=7,count=1,registers=a"), /registers/],
    [
      "similarity after LayerNorm",
      () => parseDelete("block=1,count=1,by=similarity,tensor=post-ln"),
      /residual/,
    ],
    ["a cutoff of a fixed rule", () => parseDelete("block=7,criterion=sun,above=3"), /no cutoff/],
    ["a negative block", () => parseDelete("block=-7,count=1"), /block/],
    ["no bits", () => parseQuantize("int8"), /--quantize: expected wBITSaBITS/],
    ["too many bits", () => parseQuantize("w16a8"), /weightBits/],
    ["an unknown granularity", () => parseQuantize("w8a8,weights=per-row"), /weightGranularity/],
    ["an unknown part", () => parseQuantize("w8a8,speed=fast"), /--quantize/],
    ["an unknown range", () => parseQuantize("w8a8,range=clip"), /range/],
    ["a batch of one", () => parseQuantize("w8a8,range=dynamic-batch,batch=1"), /range.batch/],
    ["too large a batch", () => parseQuantize("w8a8,range=dynamic-batch,batch=65"), /range.batch/],
    ["a batch of static ranges", () => parseQuantize("w8a8,range=min-max,batch=8"), /batch/],
    ["int8 at 4 bits", () => parseQuantize("w4a4,arithmetic=int8"), /8 bits/],
    ["no folder", () => parseCurate("block=6,data="), /data/],
    ["a block twice", () => parseCurate("block=6,block=7,data=a"), /--curate: expected/],
    ["no folders", () => parseCalibrate("limit=4"), /--calibrate: expected .*data/],
    ["no block", () => parseCurate("data=photos"), /block/],
    ["an unknown configuration", () => parseConfigurations("fp32,naiv"), /naive/],
    ["a negative block, as typed", () => parseDelete("block=-1,count=1"), /\(block: .*>=0, got -1\)/],
    ["a word for a count", () => parseDelete("block=1,count=few"), /count: expected a number, got few\)/],
    ["a negative clip, as typed", () => parseQuantize("w8a8,clip=-3"), /clip\.limit: .*>0, got -3\)/],
    ["a word for a clip", () => parseQuantize("w8a8,clip=wide"), /clip\.limit: .* a number, got wide\)/],
    ["a negative count", () => parsePrefix("from=1,count=-2"), /count: a number, got -2\)/],
    ["a batch without its range", () => parseQuantize("w8a8,batch=4"), /add range=dynamic-batch\)/],
    ["a range without its batch", () => parseQuantize("w8a8,range=dynamic-batch"), /range\.batch: missing/],
    [
      "an unknown key of a quantizer",
      () => parseQuantize("w8a8,foo=1"),
      /no key foo; the keys are weights, .*base, .*batch\)/,
    ],
    [
      "a key that every object has",
      () => parseQuantize("w8a8,constructor=1"),
      /no key constructor; the keys are/,
    ],
    [
      "an unknown key of a deletion",
      () => parseDelete("block=1,count=1,foo=1"),
      /no key foo; the keys are block, count, by, criterion, above, at-most, tensor\)/,
    ],
    [
      "an unknown key of a prefix",
      () => parsePrefix("from=1,count=1,foo=1"),
      /no key foo; the keys are from, to, count, registers\)/,
    ],
    [
      "an unknown key of a curation",
      () => parseCurate("block=1,data=a,foo=1"),
      /got block=1,data=a,foo=1 \(there is no key foo; the keys are block, .*limit, data\)/,
    ],
    [
      "an unknown key of a calibration",
      () => parseCalibrate("data=a,foo=1"),
      /no key foo; the keys are limit, data\)/,
    ],
    ["a key twice, by name", () => parseQuantize("w8a8,smooth=0.5,smooth=0.6"), /smooth comes twice/],
    ["a linear twice", () => parseQuantize("w8a8,linears=fc2+fc2"), /linears: each linear once/],
    ["a block twice in a list", () => parseQuantize("w8a8,blocks=3+3"), /blocks: each block once/],
    ["bits with leading zeros", () => parseQuantize("w08a08"), /--quantize: expected wBITSaBITS.*got w08a08/],
    [
      "words for a number",
      () => parseInteger("limit", 1)("many"),
      /--limit: expected an integer of at least 1/,
    ],
    ["a number below the least", () => parseInteger("limit", 1)("0"), /at least 1/],
    ["a negative eps", () => parsePositive("eps")("-1"), /a positive number/],
    ["an unknown choice", () => parseChoice("probe", ["ncm"])("svm"), /one of ncm, got svm/],
  ])("%s", (_, parse, message) => {
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/NaN/);
  });
});
