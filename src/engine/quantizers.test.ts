import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { CancelledError } from "../errors/input-error.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { type Intervention, NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import { relativeDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import { createNodeRuntime } from "./runtime-node.ts";
import type { Engine, EngineInput } from "./types.ts";

const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
const CALIBRATED = { ...W8A8, calibration: "waves" } as const;
const STATIC = { kind: "static", statistic: "min-max" } as const;

function input(id: string): EngineInput {
  const phase = id.length + id.charCodeAt(id.length - 1);
  return { id, pixels: Float32Array.from({ length: 3 * 20 * 20 }, (_, i) => Math.sin(i * phase * 0.37)) };
}

describe("quantizers in the chain", () => {
  let engine: Engine;
  let loaded = 0;
  let onCalibrating = (_stage: string, _done: number, _total: number) => {};
  /** What is told of the calibration while a run needs it. */
  const toldOf = async (work: () => Promise<unknown>) => {
    const told: string[] = [];
    onCalibrating = (stage, done, total) => told.push(`${stage} ${done}/${total}`);
    await work();
    onCalibrating = () => {};
    return told;
  };
  const step = (stage: string, counts: readonly number[], total: number) =>
    counts.map((done) => `Calibrating, ${stage} ${done}/${total}`);
  beforeAll(async () => {
    const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks: 3, grid: 5, patch: 4 });
    const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
    engine = await createEngine(openEncoder(file, { config }, {}), createNodeRuntime());
    const load = async (i: number) => {
      loaded++;
      return input("abcd"[i]!);
    };
    const onProgress = (...told: [string, number, number]) => onCalibrating(...told);
    engine.addCalibration({ id: "waves", count: 4, load, onProgress });
  });
  afterAll(() => engine.dispose());

  const run = (quantize: Quantization | null, change: Partial<Intervention> = {}, id = "a") =>
    collect(engine.run(input(id), { ...NO_INTERVENTION, ...change, quantize }));
  const feature = async (quantize: Quantization | null) => (await run(quantize)).result.feature;
  const error = async (quantize: Quantization) =>
    relativeDifference(await feature(null), await feature(quantize));

  it.each<[string, Quantization]>([
    ["asymmetric", { ...W8A8, activationScheme: "asymmetric" }],
    ["per token", { ...W8A8, activationGranularity: "per-token" }],
    ["asymmetric per token", { ...W8A8, activationScheme: "asymmetric", activationGranularity: "per-token" }],
    ["static min-max", { ...CALIBRATED, range: STATIC }],
    [
      "static percentile",
      { ...CALIBRATED, range: { kind: "static", statistic: "percentile", percentile: 99.9 } },
    ],
    ["SmoothQuant", { ...CALIBRATED, smoothQuant: { alpha: 0.5 } }],
    ["PTQ4ViT", { ...CALIBRATED, base: "ptq4vit" }],
    ["RepQ-ViT", { ...CALIBRATED, base: "repq-vit" }],
    ["attention too", { ...W8A8, attention: true }],
    [
      "attention too, asymmetric, clipped",
      { ...W8A8, attention: true, activationScheme: "asymmetric", clip: { kind: "ratio", ratio: 0.99 } },
    ],
    ["attention too, static", { ...CALIBRATED, attention: true, range: STATIC }],
    ["PTQ4ViT, Hessian-guided", { ...CALIBRATED, base: "ptq4vit", scaleSearch: "hessian" }],
    ["PTQ4ViT, attention too", { ...CALIBRATED, attention: true, base: "ptq4vit" }],
    ["RepQ-ViT, attention too", { ...CALIBRATED, attention: true, base: "repq-vit" }],
    ["int8, dynamic", { ...W8A8, arithmetic: "int8" }],
    ["int8, per channel", { ...W8A8, arithmetic: "int8", weightGranularity: "per-channel" }],
    ["int8, asymmetric", { ...W8A8, arithmetic: "int8", activationScheme: "asymmetric" }],
    [
      "int8, static, asymmetric",
      { ...CALIBRATED, arithmetic: "int8", range: STATIC, activationScheme: "asymmetric" },
    ],
    [
      "int8, static, SmoothQuant",
      { ...CALIBRATED, arithmetic: "int8", range: STATIC, smoothQuant: { alpha: 0.5 } },
    ],
  ])("%s stays near FP32 at 8 bits, and is not FP32", async (_, quantize) => {
    const at8 = await error(quantize);
    expect(at8).toBeGreaterThan(0);
    expect(at8).toBeLessThan(0.08);
    if (quantize.arithmetic === "int8") return;
    expect(await error({ ...quantize, weightBits: 3, activationBits: 3 })).toBeGreaterThan(3 * at8);
  });

  it.each<[string, Quantization]>([
    ["naive", W8A8],
    ["PTQ4ViT", { ...CALIBRATED, base: "ptq4vit" }],
    ["RepQ-ViT", { ...CALIBRATED, base: "repq-vit" }],
  ])("%s: the attention matmuls make a difference of their own", async (_, quantize) => {
    expect(await feature({ ...quantize, attention: true })).not.toEqual(await feature(quantize));
  });

  it("int8 errs from FP32 as its simulation does, and no more than rounding apart from it", async () => {
    for (const activationScheme of ["symmetric", "asymmetric"] as const) {
      const int8 = await feature({ ...W8A8, activationScheme, arithmetic: "int8" });
      const simulated = await feature({ ...W8A8, activationScheme });
      const apart = relativeDifference(simulated, int8);
      expect(apart).toBeLessThan(relativeDifference(await feature(null), simulated));
    }
  });

  it("clips: the tighter, the worse; a limit above everything changes nothing", async () => {
    const clip = (clip: Quantization["clip"]) => error({ ...W8A8, clip });
    expect(await clip({ kind: "ratio", ratio: 0.2 })).toBeGreaterThan(
      await clip({ kind: "ratio", ratio: 0.7 }),
    );
    expect(await feature({ ...W8A8, clip: { kind: "absolute", limit: 1e5 } })).toEqual(await feature(W8A8));
    const int8 = { ...W8A8, arithmetic: "int8" } as const;
    expect(await feature({ ...int8, clip: { kind: "ratio", ratio: 0.2 } })).not.toEqual(await feature(int8));
  });

  it("leaves outliers out of the range and in FP: all tokens out = FP activations, none out = naive", async () => {
    const excluding = (above: number, kind: "absolute" | "ratio" = "absolute") =>
      feature({ ...W8A8, excludeOutliers: { kind, above } });
    expect(await excluding(1e5)).toEqual(await feature(W8A8));
    expect(await excluding(1e5, "ratio")).toEqual(await feature(W8A8));
    const halfOut = await excluding(1, "ratio");
    expect(halfOut).not.toEqual(await feature(W8A8));
    const fp = await feature(null);
    expect(relativeDifference(fp, await excluding(1e-4))).toBeLessThan(relativeDifference(fp, halfOut));
  });

  it("calibrates once for each prefix and deletion, with them in place", async () => {
    const quantize = { ...CALIBRATED, range: STATIC, clip: { kind: "ratio", ratio: 0.9 } } as const;
    await run(quantize);
    loaded = 0;
    await run(quantize, {}, "y");
    await run({ ...quantize, activationBits: 6 }, {}, "y");
    expect(loaded).toBe(0);
    const deletion = { block: 1, count: 3, by: "linf" } as const;
    const told = await toldOf(() => run(quantize, { delete: deletion }, "y"));
    expect(loaded).toBe(4);
    expect(told).toEqual(step("statistics (images)", [0, 1, 2, 3, 4], 4));
  });

  it.each([
    ["repq-vit", undefined, "statistics (images)"],
    ["ptq4vit", "hessian", "statistics and Hessian (images)"],
  ] as const)("%s tells its statistics and its scale search, once", async (base, scaleSearch, first) => {
    const quantize = { ...CALIBRATED, base, ...(scaleSearch && { scaleSearch }) };
    const deletion = { block: 1, count: 5, by: "linf" } as const;
    const told = await toldOf(() => run(quantize, { delete: deletion }));
    expect(told).toEqual([
      ...step(first, [0, 1, 2, 3, 4], 4),
      ...step("scale search (blocks)", [0, 1, 1, 2, 2, 3], 3),
    ]);
    expect(await toldOf(() => run(quantize, { delete: deletion }, "b"))).toEqual([]);
  });

  it("a cancelled calibration does not take another run's with it", async () => {
    const quantize = { ...CALIBRATED, range: STATIC } as const;
    const deletion = { block: 2, count: 2, by: "linf" } as const;
    const change = { ...NO_INTERVENTION, delete: deletion, quantize };
    const abort = new AbortController();
    onCalibrating = (_, done) => done === 1 && abort.abort();
    const first = collect(engine.run(input("y"), change, { signal: abort.signal }));
    const second = collect(engine.run(input("z"), change));
    await expect(first).rejects.toThrow(CancelledError);
    await expect(second).resolves.toBeDefined();
    onCalibrating = () => {};
  });

  it("who waits for another run's calibration can be cancelled alone", async () => {
    const change = {
      ...NO_INTERVENTION,
      delete: { block: 2, count: 4, by: "linf" },
      quantize: { ...CALIBRATED, range: STATIC },
    } as const;
    const abort = new AbortController();
    let done = 0;
    onCalibrating = (_, images) => {
      done = images;
      if (images === 1) abort.abort();
    };
    const first = collect(engine.run(input("y"), change));
    const second = collect(engine.run(input("z"), change, { signal: abort.signal }));
    await expect(second).rejects.toThrow(CancelledError);
    expect(done).toBeLessThan(4);
    await expect(first).resolves.toBeDefined();
    onCalibrating = () => {};
  });

  it("refuses settings that contradict each other", async () => {
    const quantize = { ...CALIBRATED, base: "ptq4vit", clip: { kind: "ratio", ratio: 0.5 } } as const;
    await expect(run(quantize)).rejects.toThrow(/settings that go together.*clip/);
  });

  it("refuses a static range without images, and int8 where there are no integer kernels", async () => {
    await expect(run({ ...W8A8, range: STATIC })).rejects.toThrow(/calibration images/);
    const { bytes, config } = randomCheckpoint({ blocks: 1 });
    const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
    const webgpu = { ...createNodeRuntime(), backend: "webgpu" } as const;
    const other = await createEngine(openEncoder(file, { config }, {}), webgpu);
    const pixels = new Float32Array(3 * 16 * 16).fill(0.5);
    const int8 = { ...NO_INTERVENTION, quantize: { ...W8A8, arithmetic: "int8" } } as const;
    await expect(collect(other.run({ id: "p", pixels }, int8))).rejects.toThrow(/integer matrix kernels/);
    await other.dispose();
  });
});
