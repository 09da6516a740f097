import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { leadingTokens } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { openEncoder } from "../families/index.ts";
import { type RandomCheckpointOptions, randomCheckpoint } from "../families/random-checkpoint.ts";
import { referenceBlock } from "../graph/reference-block.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import { testInput } from "../regcache/test-engine.ts";
import { relativeDifference, runDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import { createNodeRuntime } from "./runtime-node.ts";

const NEURONS: [number, number][] = [
  [0, 3],
  [1, 7],
  [1, 40],
];
const MOVED: Intervention = { ...NO_INTERVENTION, testTimeRegister: { neurons: NEURONS } };
const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;

async function open(options: RandomCheckpointOptions = {}) {
  const { bytes, config } = randomCheckpoint({
    ...{ width: 32, heads: 2, blocks: 3, grid: 5, patch: 4, classes: 0 },
    ...options,
  });
  const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
  const encoder = openEncoder(file, { config }, {});
  return { ...encoder, engine: await createEngine(encoder, createNodeRuntime()) };
}

const rows = (x: Float32Array, width: number) =>
  Array.from({ length: x.length / width }, (_, t) => [...x.subarray(t * width, (t + 1) * width)]);

/** The whole encoder in fp64 with one more row, and the mean of its patches after the final LayerNorm. */
async function reference({ spec, weights }: Awaited<ReturnType<typeof open>>, embedded: Float32Array) {
  const preNorm = (await weights.embed()).preNorm;
  const zero = preNorm ? [...preNorm.bias] : new Array<number>(spec.width).fill(0);
  let x = [...rows(embedded, spec.width), zero];
  for (let block = 0; block < spec.blocks; block++) {
    const neurons = NEURONS.filter(([at]) => at === block).map(([, neuron]) => neuron);
    const register = { neurons, leading: leadingTokens(spec) };
    x = referenceBlock(spec, await weights.block(block), x, [], null, register).y;
  }
  const { norm } = await weights.head();
  const normed = x.slice(leadingTokens(spec), -1).map((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const deviation = Math.sqrt(
      row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length + spec.layerNormEps,
    );
    return row.map((v, c) => ((v - mean) / deviation) * norm.weight[c]! + norm.bias[c]!);
  });
  const feature = normed[0]!.map((_, c) => normed.reduce((sum, row) => sum + row[c]!, 0) / normed.length);
  return { x, feature };
}

describe("a run with a test-time register", () => {
  it.each<[string, RandomCheckpointOptions]>([
    ["no CLS", { cls: false, pool: "avg" }],
    ["CLS, a trained register, a LayerNorm before block 0", { registers: 1, preNorm: true, pool: "avg" }],
  ])("is what an fp64 chain with one more token gives, pooled without it: %s", async (_, options) => {
    const opened = await open(options);
    const { engine, spec } = opened;
    let embedded = new Float32Array(0);
    const onStates = ({ block, input }: { block: number; input: Float32Array }) => {
      if (block === 0) embedded = input.slice();
    };
    await collect(engine.run(testInput(1), NO_INTERVENTION, { onStates }));
    const expected = await reference(opened, embedded);
    const { traces, result } = await collect(engine.run(testInput(1), MOVED));
    const linf = expected.x.map((row) => Math.max(...row.map(Math.abs)));
    const last = traces.at(-1)!;
    expect(relativeDifference(linf.slice(0, -1), last.residual.linf)).toBeLessThan(1e-4);
    expect(relativeDifference([linf.at(-1)!], [last.testTimeRegister!.residualLinf])).toBeLessThan(1e-4);
    expect(relativeDifference(expected.feature, result.feature)).toBeLessThan(1e-4);
    for (const { positions, attentionReceived, prefixReceived, testTimeRegister } of traces) {
      expect(positions).toHaveLength(spec.tokens);
      const all = attentionReceived.reduce((a, b) => a + b, prefixReceived);
      expect(all + testTimeRegister!.attentionReceived).toBeCloseTo(1, 4);
    }
  });

  it("never deletes it, however large it is, and keeps it behind the survivors", async () => {
    const { engine, spec } = await open();
    const count = spec.grid ** 2 - 1;
    const change: Intervention = { ...MOVED, delete: { block: 2, count, by: "linf" } };
    const { traces, result } = await collect(engine.run(testInput(1), change));
    expect(result.deleted).toHaveLength(count);
    expect([...result.deleted].every((token) => token < spec.tokens)).toBe(true);
    expect(traces[2]!.positions).toHaveLength(spec.tokens - count);
    expect(traces[2]!.testTimeRegister!.residualLinf).toBeGreaterThan(0);
  });

  it("shares no hidden states with a run without it, and resumes to the same result", async () => {
    const { engine } = await open();
    const plain = await collect(engine.run(testInput(1), NO_INTERVENTION));
    const moved = await collect(engine.run(testInput(1), MOVED));
    expect(moved.result.computedFrom).toBe(0);
    expect(relativeDifference(plain.result.feature, moved.result.feature)).toBeGreaterThan(1e-3);
    const again = await collect(engine.run(testInput(1), MOVED));
    expect(again.result.computedFrom).toBe(3);
    expect(runDifference(moved, again)).toBe(0);
    const other: Intervention = { ...MOVED, testTimeRegister: { neurons: [...NEURONS, [2, 5]] } };
    expect((await collect(engine.run(testInput(1), other))).result.computedFrom).toBe(2);
  });

  it("is quantized and calibrated with the rest", async () => {
    const { engine } = await open();
    const images = { id: "set", count: 2, load: async (i: number) => testInput(i) };
    engine.addCalibration(images);
    const range = { kind: "static", statistic: "min-max" } as const;
    const quantize = { ...W8A8, range, calibration: "set" };
    const fp = await collect(engine.run(testInput(0), MOVED));
    const { result } = await collect(engine.run(testInput(0), { ...MOVED, quantize }));
    const difference = relativeDifference(fp.result.feature, result.feature);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.1);
  });

  it("refuses neurons that the encoder does not have", async () => {
    const { engine } = await open();
    for (const stray of [
      [3, 0],
      [0, 128],
    ] as [number, number][]) {
      const change: Intervention = { ...NO_INTERVENTION, testTimeRegister: { neurons: [stray] } };
      await expect(collect(engine.run(testInput(1), change))).rejects.toThrow(InputError);
    }
  });
});
