import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { type Intervention, NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import { curate } from "../regcache/curate.ts";
import { relativeDifference, runDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import type { Runtime } from "./runtime.ts";
import { createNodeRuntime } from "./runtime-node.ts";
import type { Engine, EngineInput } from "./types.ts";

const BLOCKS = 4;
const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
const STATIC = {
  ...W8A8,
  range: { kind: "static", statistic: "min-max" },
  calibration: "waves",
} as const;

function input(id: string): EngineInput {
  const phase = id.length + id.charCodeAt(id.length - 1);
  return { id, pixels: Float32Array.from({ length: 3 * 20 * 20 }, (_, i) => Math.sin(i * phase * 0.37)) };
}

/** The node runtime, counting sessions. */
function countedRuntime(): { runtime: Runtime; count: { sessions: number } } {
  const inner = createNodeRuntime();
  const count = { sessions: 0 };
  const createSession: Runtime["createSession"] = (model) => {
    count.sessions++;
    return inner.createSession(model);
  };
  return { runtime: { ...inner, createSession }, count };
}

async function makeEngine(runtime: Runtime, instruments: boolean): Promise<Engine> {
  const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks: BLOCKS, grid: 5, patch: 4 });
  const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
  const engine = await createEngine(openEncoder(file, { config }, {}), runtime, { instruments });
  engine.addCalibration({ id: "waves", count: 3, load: async (i) => input("abc"[i]!) });
  return engine;
}

describe("an engine without instruments", () => {
  let measuring: Engine;
  let lean: Engine;
  let registers: string;
  beforeAll(async () => {
    measuring = await makeEngine(createNodeRuntime(), true);
    lean = await makeEngine(createNodeRuntime(), false);
    const images = ["a", "b"].map((id) => async () => input(id));
    const curated = await curate(
      measuring,
      images,
      { block: 1, top: 5 },
      { model: "0".repeat(64), data: "test" },
    );
    for (const engine of [measuring, lean]) engine.addRegisters(curated);
    registers = curated.id;
  });
  afterAll(() => Promise.all([measuring.dispose(), lean.dispose()]));

  it.each<[string, Quantization | null]>([
    ["FP", null],
    ["W8A8", W8A8],
    ["W4A4, asymmetric", { ...W8A8, weightBits: 4, activationBits: 4, activationScheme: "asymmetric" }],
    ["per token", { ...W8A8, activationGranularity: "per-token" }],
    ["clipped", { ...W8A8, clip: { kind: "ratio", ratio: 0.7 } }],
    ["outliers excluded", { ...W8A8, excludeOutliers: { kind: "ratio", above: 1.2 } }],
    ["some blocks and linears", { ...W8A8, blocks: [1, 3], linears: ["qkv", "fc2"] }],
    ["static", STATIC],
    ["PTQ4ViT", { ...W8A8, calibration: "waves", base: "ptq4vit" }],
    ["attention too", { ...W8A8, attention: true }],
    ["int8", { ...W8A8, arithmetic: "int8" }],
    ["int8, asymmetric", { ...W8A8, arithmetic: "int8", activationScheme: "asymmetric" }],
    ["int8, per channel, static", { ...STATIC, arithmetic: "int8", weightGranularity: "per-channel" }],
  ])("gives the results of the instrumented chain, with prefix and deletion too: %s", async (_, quantize) => {
    const prefix = { registers, from: 1, to: 2, count: 2.5 };
    const deletion = { block: 2, count: 3, by: "linf" } as const;
    for (const change of [{}, { prefix }, { delete: deletion }, { prefix, delete: deletion }]) {
      const intervention: Intervention = { ...NO_INTERVENTION, ...change, quantize };
      const { result } = await collect(measuring.run(input("x"), intervention));
      for (const engine of [lean, measuring]) {
        const alone = await engine.result({ ...input("x"), id: "not cached" }, intervention);
        expect(relativeDifference(result.feature, alone.feature)).toBeLessThan(1e-5);
        expect(relativeDifference(result.logits!, alone.logits!)).toBeLessThan(1e-5);
        expect(alone.deleted).toEqual(result.deleted);
      }
    }
  });

  it("still gives traces when they are asked for, also after a result that left none in the cache", async () => {
    await lean.result(input("y"), NO_INTERVENTION);
    const expected = await collect(measuring.run(input("y"), NO_INTERVENTION));
    const traced = await collect(lean.run(input("y"), NO_INTERVENTION));
    expect(traced.result.computedFrom).toBe(0);
    expect(runDifference(expected, traced)).toBeLessThan(1e-5);
    expect((await lean.result(input("y"), NO_INTERVENTION)).computedFrom).toBe(BLOCKS);
  });

  it("loads one session a part, and builds instruments only for a run that wants traces", async () => {
    const { runtime, count } = countedRuntime();
    const engine = await makeEngine(runtime, false);
    const turns: number[] = [];
    await engine.result(input("x"), NO_INTERVENTION, {
      betweenBlocks: async () => void turns.push(turns.length),
    });
    expect(count.sessions).toBe(BLOCKS + 2);
    expect(turns).toEqual([0, 1, 2, 3]);
    await collect(engine.run(input("x"), NO_INTERVENTION));
    expect(count.sessions).toBe(2 * BLOCKS + 2);
    await engine.dispose();
  });
});
