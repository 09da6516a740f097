import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { type Intervention, NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import { curate } from "../regcache/curate.ts";
import { countingEngine, testInput } from "../regcache/test-engine.ts";
import { relativeDifference } from "./agreement.ts";
import type { Engine, EngineInput } from "./types.ts";

const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
const PER_BATCH = { ...W8A8, range: { kind: "dynamic-batch", batch: 4 } } as const;
const BLOCKS = 4;

/** Three images, the second of which has larger activations: the others' ranges are its own. */
const LOUD: EngineInput = { id: "loud", pixels: testInput(1).pixels.map((value) => 3 * value) };
const IMAGES = [testInput(0), LOUD, testInput(2)];

describe("ranges per batch", () => {
  let engine: Engine;
  let count: { blockRuns: number };
  let registers: string;
  beforeAll(async () => {
    ({ engine, count } = await countingEngine(BLOCKS));
    const images = [0, 1, 2].map((seed) => async () => testInput(seed));
    const curated = await curate(
      engine,
      images,
      { block: 2, top: 5 },
      { model: "0".repeat(64), data: "test" },
    );
    engine.addRegisters(curated);
    engine.addCalibration({ id: "waves", count: 2, load: async (i) => testInput(i) });
    registers = curated.id;
  });
  afterAll(() => engine.dispose());

  const features = async (images: readonly EngineInput[], change: Partial<Intervention>) =>
    (await engine.results(images, { ...NO_INTERVENTION, ...change })).map(({ feature }) => feature);
  const runsOf = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const before = count.blockRuns;
    const value = await work();
    return [value, count.blockRuns - before];
  };

  it("a batch of one image is that image's own range, to the last bit, and its states are the same ones", async () => {
    for (const image of IMAGES) {
      const [alone] = await features([image], { quantize: W8A8 });
      const [[batch], runs] = await runsOf(() => features([image], { quantize: PER_BATCH }));
      expect(batch).toEqual(alone);
      expect(runs).toBe(0);
    }
  });

  it.each<[string, Partial<Intervention>]>([
    ["naive", { quantize: PER_BATCH }],
    ["asymmetric", { quantize: { ...PER_BATCH, activationScheme: "asymmetric" } }],
    ["attention too", { quantize: { ...PER_BATCH, attention: true } }],
    ["clipped", { quantize: { ...PER_BATCH, clip: { kind: "ratio", ratio: 0.6 } } }],
    [
      "large tokens left out",
      { quantize: { ...PER_BATCH, excludeOutliers: { kind: "absolute", above: 3 } } },
    ],
    ["int8", { quantize: { ...PER_BATCH, arithmetic: "int8" } }],
    ["int8, asymmetric", { quantize: { ...PER_BATCH, arithmetic: "int8", activationScheme: "asymmetric" } }],
    ["SmoothQuant", { quantize: { ...PER_BATCH, smoothQuant: { alpha: 0.5 }, calibration: "waves" } }],
    ["one block, one linear", { quantize: { ...PER_BATCH, blocks: [1], linears: ["fc2"] } }],
  ])("%s: copies of one image are that image alone; beside another the result changes", async (_, change) => {
    const deletion = { block: 2, count: 3, by: "linf" } as const;
    const whole = { ...change, prefix: { registers: "", from: 1, to: 3, count: 2 }, delete: deletion };
    const intervention = { ...whole, prefix: { ...whole.prefix, registers } };
    const quantize = { ...change.quantize!, range: { kind: "dynamic" } } as Quantization;
    const [quiet] = IMAGES;
    const [alone] = await features([quiet!], { ...intervention, quantize });
    const copies = await features([quiet!, quiet!, quiet!], intervention);
    // Not to the last bit: a product of more rows may be summed in another order.
    for (const copy of copies) expect(relativeDifference(alone!, copy)).toBeLessThan(1e-5);
    // One of two different images has the larger range; the other one's changes.
    const [loud] = await features([LOUD], { ...intervention, quantize });
    const [besideLoud, besideQuiet] = await features([quiet!, LOUD], intervention);
    const changes = [relativeDifference(alone!, besideLoud!), relativeDifference(loud!, besideQuiet!)];
    expect(Math.max(...changes)).toBeGreaterThan(1e-4);
  });

  it("the order within a batch does not matter to an image, and FP blocks are each image's own", async () => {
    const [a, b, c] = IMAGES as [EngineInput, EngineInput, EngineInput];
    const forth = await features([a, b, c], { quantize: PER_BATCH });
    const back = await features([c, b, a], { quantize: PER_BATCH });
    for (const i of [0, 1, 2]) expect(relativeDifference(forth[i]!, back[2 - i]!)).toBeLessThan(1e-5);
    const alone = await features([a, b, c], {});
    const last = await features([a, b, c], { quantize: { ...PER_BATCH, blocks: [BLOCKS - 1] } });
    for (const i of [0, 1, 2]) expect(relativeDifference(alone[i]!, last[i]!)).toBeLessThan(0.05);
  });

  it("never mixes the states of different batches, and runs nothing twice for equal ones", async () => {
    const [a, b, c] = IMAGES as [EngineInput, EngineInput, EngineInput];
    const fresh = await countingEngine(BLOCKS);
    const change = { ...NO_INTERVENTION, quantize: PER_BATCH };
    for (const batch of [
      [a, b],
      [a, c],
      [b, a],
      [a, b, c],
    ]) {
      const known = await features(batch, change);
      const anew = await fresh.engine.results(
        batch.map((image) => ({ ...image, id: `${image.id} of ${batch.map(({ id }) => id).join()}` })),
        change,
      );
      expect(anew.map(({ feature }) => feature)).toEqual(known);
    }
    // One session a block serves all batches; only these give their memory back.
    expect(fresh.count.givingBack).toBe(BLOCKS);
    await fresh.engine.result(a, { ...NO_INTERVENTION, quantize: W8A8 });
    expect(fresh.count.givingBack).toBe(BLOCKS);
    await fresh.engine.dispose();
    const [, again] = await runsOf(() => features([a, b], change));
    expect(again).toBe(0);
  });

  it("starts where a batch differs: after equal quantized blocks, or after each image's own FP blocks", async () => {
    const deletion = { block: 3, count: 3, by: "linf" } as const;
    await engine.results(IMAGES, { ...NO_INTERVENTION, quantize: PER_BATCH });
    const [later, runs] = await runsOf(() =>
      engine.results(IMAGES, { ...NO_INTERVENTION, delete: deletion, quantize: PER_BATCH }),
    );
    expect(runs).toBe(1);
    expect(later.map(({ computedFrom }) => computedFrom)).toEqual([3, 3, 3]);
    expect(later.map(({ deleted }) => deleted.length)).toEqual([3, 3, 3]);
    for (const image of IMAGES) await engine.result(image, NO_INTERVENTION);
    const quantize = { ...PER_BATCH, blocks: [2] };
    const [own, rest] = await runsOf(() => engine.results(IMAGES, { ...NO_INTERVENTION, quantize }));
    // Block 2 once for all, block 3 in FP for each.
    expect(rest).toBe(1 + IMAGES.length);
    expect(own.map(({ computedFrom }) => computedFrom)).toEqual([2, 2, 2]);
  });

  it("deletes per image, by each image's own magnitudes", async () => {
    const deletion = { block: 1, count: 4, by: "linf" } as const;
    const change = { ...NO_INTERVENTION, delete: deletion };
    const alone = await Promise.all(IMAGES.map((image) => engine.result(image, change)));
    const quantize = { ...PER_BATCH, blocks: [1, 2] };
    const batch = await engine.results(IMAGES, { ...change, quantize });
    expect(batch.map(({ deleted }) => deleted)).toEqual(alone.map(({ deleted }) => deleted));
  });

  it.each<[string, number, Partial<Intervention>, RegExp]>([
    ["more images than a batch", 5, { quantize: PER_BATCH }, /up to 4 images, got 5/],
    [
      "deletion by criterion",
      2,
      { quantize: PER_BATCH, delete: { block: 1, by: "criterion", criterion: "sun" } },
      /same number of tokens.*criterion \(sun\)/,
    ],
    [
      "a test-time register",
      2,
      { quantize: PER_BATCH, testTimeRegister: { neurons: [[1, 1]] } },
      /nothing beside those, got a test-time register/,
    ],
    [
      "outliers excluded by ratio",
      2,
      { quantize: { ...PER_BATCH, excludeOutliers: { kind: "ratio", above: 8 } } },
      /one image's tokens/,
    ],
  ])("refuses %s", async (_, n, change, message) => {
    const images = Array.from({ length: n }, (_, i) => testInput(i));
    const run = engine.results(images, { ...NO_INTERVENTION, ...change });
    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(message);
  });
});
