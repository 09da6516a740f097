import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { fc1Width } from "../encoder/spec.ts";
import { openEncoder } from "../families/index.ts";
import { NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import { quantizeBlock } from "../quantize/block-quantizer.ts";
import { weightBytes } from "../quantize/weight-bytes.ts";
import { relativeDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import { createNodeRuntime } from "./runtime-node.ts";
import type { Engine, EngineInput } from "./types.ts";

const FOLDER = new URL("../families/fixtures/dinov2-swiglu/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER));
const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
const CALIBRATED = { ...W8A8, calibration: "waves" } as const;
const STATIC = { kind: "static", statistic: "min-max" } as const;

async function openGiant() {
  const file = await openSafetensors(memorySource(read("model.safetensors"), "model.safetensors"));
  const configs = {
    config: JSON.parse(read("config.json").toString()),
    preprocessor: JSON.parse(read("preprocessor_config.json").toString()),
  };
  return openEncoder(file, configs, {});
}
type Opened = Awaited<ReturnType<typeof openGiant>>;

describe("an encoder with a SwiGLU MLP", () => {
  let opened: Opened;
  let engine: Engine;
  let lean: Engine;
  const input = (id: string): EngineInput => ({
    id,
    pixels: Float32Array.from({ length: 3 * opened.spec.preprocess.size ** 2 }, (_, i) =>
      Math.sin(i * (id.charCodeAt(0) % 7) * 0.37),
    ),
  });
  beforeAll(async () => {
    opened = await openGiant();
    engine = await createEngine(opened, createNodeRuntime());
    lean = await createEngine(opened, createNodeRuntime(), { instruments: false });
    for (const each of [engine, lean])
      each.addCalibration({ id: "waves", count: 3, load: async (i) => input("abc"[i]!) });
  });
  afterAll(() => Promise.all([engine.dispose(), lean.dispose()]));

  const result = async (quantize: Quantization | null) =>
    (await collect(engine.run(input("x"), { ...NO_INTERVENTION, quantize }))).result;

  it("has the gate's rows in fc1, and counts them", () => {
    const { spec } = opened;
    expect([spec.activation, spec.mlpWidth, fc1Width(spec)]).toEqual(["swiglu", 88, 176]);
    const linears = 3 * 64 * 64 + 64 * 64 + 176 * 64 + 64 * 88;
    expect(weightBytes(spec, null)).toBe(4 * spec.blocks * linears);
  });

  it.each<[string, Quantization]>([
    ["naive", W8A8],
    ["asymmetric per token", { ...W8A8, activationScheme: "asymmetric", activationGranularity: "per-token" }],
    ["outliers excluded", { ...W8A8, excludeOutliers: { kind: "ratio", above: 2 } }],
    ["static min-max", { ...CALIBRATED, range: STATIC }],
    ["SmoothQuant", { ...CALIBRATED, smoothQuant: { alpha: 0.5 } }],
    ["PTQ4ViT", { ...CALIBRATED, base: "ptq4vit" }],
    ["PTQ4ViT, Hessian-guided", { ...CALIBRATED, base: "ptq4vit", scaleSearch: "hessian" }],
    ["RepQ-ViT", { ...CALIBRATED, base: "repq-vit" }],
    ["attention too", { ...W8A8, attention: true }],
    ["int8", { ...W8A8, arithmetic: "int8" }],
    [
      "int8, static, asymmetric",
      { ...CALIBRATED, arithmetic: "int8", range: STATIC, activationScheme: "asymmetric" },
    ],
  ])("%s stays near FP32 at 8 bits, is not FP32, and the same without instruments", async (_, quantize) => {
    const { feature } = await result(quantize);
    const error = relativeDifference((await result(null)).feature, feature);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.08);
    const alone = await lean.result(input("x"), { ...NO_INTERVENTION, quantize });
    expect(relativeDifference(feature, alone.feature)).toBeLessThan(1e-5);
  });

  it("has no twin grids in PTQ4ViT: nothing bounds its product below", async () => {
    const block = await opened.weights.block(0);
    expect(quantizeBlock(block, { ...CALIBRATED, base: "ptq4vit" }, null).twin).toBeNull();
    const plain = { ...block, fc1: { ...block.fc1, out: block.fc2.in } };
    expect(quantizeBlock(plain, { ...CALIBRATED, base: "ptq4vit" }, null).twin).toBe("fc2");
  });

  it("moves neurons to a test-time register", async () => {
    const testTimeRegister = {
      neurons: [
        [1, 3],
        [1, 80],
      ] as [number, number][],
    };
    const { result: moved } = await collect(engine.run(input("x"), { ...NO_INTERVENTION, testTimeRegister }));
    expect(moved.feature.every(Number.isFinite)).toBe(true);
    expect(relativeDifference((await result(null)).feature, moved.feature)).toBeGreaterThan(1e-4);
  });
});
