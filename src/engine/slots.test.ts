import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { CLOSED_SLOT_BIAS, REGISTER_SLOTS } from "../graph/block.ts";
import { type Intervention, NO_INTERVENTION, type Prefix } from "../intervention/intervention.ts";
import { curate } from "../regcache/curate.ts";
import type { Registers } from "../regcache/registers.ts";
import { countingEngine, testImages, testInput } from "../regcache/test-engine.ts";
import { relativeDifference, runDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { slotFeeds } from "./slots.ts";
import type { Engine } from "./types.ts";

const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;

let engine: Engine;
let several: Registers;
beforeAll(async () => {
  ({ engine } = await countingEngine(4));
  const images = testImages(4);
  const loaders = [0, 1, 2, 3].map((i) => () => images.load(i));
  const settings = { block: 1, top: 12, registers: 3 };
  several = await curate(engine, loaders, settings, { model: "0".repeat(64), data: "test" });
  engine.addRegisters(several);
  // The same register in every slot: what several slots do must then be what one slot does.
  const [first] = several.distinct;
  engine.addRegisters({ ...several, id: "equal", distinct: [first!, first!, first!] });
});

const run = async (prefix: Partial<Prefix>, others: Partial<Intervention> = {}) =>
  collect(
    engine.run(testInput(9), {
      ...{ ...NO_INTERVENTION, ...others },
      prefix: { registers: several.id, from: 1, to: 3, count: 2, ...prefix },
    }),
  );

describe("several distinct registers", () => {
  it.each([
    ["FP", {}],
    ["W8A8", { quantize: W8A8 }],
  ])("that are equal act as one register of that many copies: %s", async (_, others) => {
    const slots = await run({ registers: "equal", count: 1.5, distinct: 3 }, others);
    const one = await run({ registers: "equal", count: 4.5 }, others);
    expect(runDifference(one, slots)).toBeLessThan("quantize" in others ? 1e-2 : 1e-5);
    expect(slots.traces[2]!.prefixReceived).toBeCloseTo(one.traces[2]!.prefixReceived, 4);
  });

  it("are calibrated and quantized with attention and a guided scale search", async () => {
    engine.addCalibration({ id: "set", count: 2, load: async (i) => testInput(i) });
    const base = { base: "ptq4vit", scaleSearch: "hessian", attention: true, calibration: "set" } as const;
    const fp = await run({ distinct: 3 });
    const { result } = await run({ distinct: 3 }, { quantize: { ...W8A8, ...base } });
    const difference = relativeDifference(fp.result.feature, result.feature);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.1);
  });

  it("give something else than one of them, and their attention adds up", async () => {
    const [one, three] = [await run({}), await run({ distinct: 3 })];
    expect(relativeDifference(one.result.feature, three.result.feature)).toBeGreaterThan(1e-4);
    for (const { attentionReceived, prefixReceived, block } of three.traces) {
      expect(attentionReceived.reduce((a, b) => a + b, prefixReceived)).toBeCloseTo(1, 4);
      expect(prefixReceived > 0).toBe(block >= 1);
    }
  });

  it("share no hidden states with fewer of them, and one is the default", async () => {
    const plain = await run({});
    expect((await run({ distinct: 1 })).result.feature).toEqual(plain.result.feature);
    expect((await run({ distinct: 1 })).result.computedFrom).toBe(4);
    await run({ distinct: 2 });
    const three = await run({ distinct: 3, count: 3 });
    expect(three.result.computedFrom).toBe(1);
  });

  it("are refused when the file has fewer", async () => {
    await expect(run({ distinct: 4 })).rejects.toThrow(InputError);
    await expect(run({ distinct: 4 })).rejects.toThrow(/up to 3 distinct registers/);
  });
});

describe("the slots' inputs", () => {
  it("are laid out by head, and closed where there is no register", () => {
    const at = (offset: number) => [Float32Array.from({ length: 4 }, (_, c) => offset + c)];
    const registers = [
      { key: at(10), value: at(20), candidates: 1 },
      { key: at(30), value: at(40), candidates: 1 },
    ];
    const feeds = slotFeeds({ registers, logCount: 0.5 }, 0, REGISTER_SLOTS, { heads: 2, perHead: 2 });
    const closed = CLOSED_SLOT_BIAS;
    expect([...feeds.prefix_bias!.data]).toEqual([0.5, 0.5, closed, closed]);
    // [H, d, R] and [H, R, d]
    expect([...feeds.prefix_key!.data]).toEqual(
      [10, 11, 12, 13].flatMap((first) => [first, first + 20, 0, 0]),
    );
    expect([...feeds.prefix_value!.data]).toEqual([
      ...[20, 21, 40, 41, 0, 0, 0, 0],
      ...[22, 23, 42, 43, 0, 0, 0, 0],
    ]);
  });
});
