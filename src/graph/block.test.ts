import { describe, expect, it } from "vitest";
import type { EncoderSpec } from "../encoder/spec.ts";
import { type BlockWeights, LINEARS } from "../encoder/weights.ts";
import { relativeDifference } from "../engine/agreement.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import type { AttentionRounding } from "./attention-rounding.ts";
import { buildBlock, CLOSED_SLOT_BIAS, INPUT_COLUMNS, REGISTER_SLOTS } from "./block.ts";
import { type ReferencePrefix, type ReferenceRegister, referenceBlock } from "./reference-block.ts";

const T = 7;
const spec = {
  width: 24,
  heads: 3,
  mlpWidth: 48,
  layerNormEps: 1e-6,
  activation: "gelu",
} as EncoderSpec;
const { width: D, heads: H, mlpWidth: M } = spec;

let seed = 1;
const random = (count: number, size = 1) =>
  Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed / 2 ** 31 - 1) * size;
  });
const linear = (out: number, input: number, bias = true) => ({
  weight: random(out * input, 0.3),
  bias: bias ? random(out, 0.2) : null,
  out,
  in: input,
});
const makeWeights = (layerScale: boolean, bias: boolean, gated = false): BlockWeights => ({
  norm1: { weight: random(D), bias: random(D, 0.1) },
  qkv: linear(3 * D, D, bias),
  proj: linear(D, D),
  scale1: layerScale ? random(D) : null,
  norm2: { weight: random(D), bias: random(D, 0.1) },
  fc1: linear(gated ? 2 * M : M, D),
  fc2: linear(D, M),
  scale2: layerScale ? random(D) : null,
});

const encoderOf = ({ fc1 }: BlockWeights): EncoderSpec =>
  fc1.out === M ? spec : { ...spec, activation: "swiglu" };

const NAIVE = {
  range: "dynamic",
  scheme: "symmetric",
  granularity: "per-tensor",
  clips: false,
  excludes: null,
  twin: null,
} as const;

const NAIVE_ATTENTION = {
  range: "dynamic",
  scheme: "symmetric",
  clips: false,
  perHead: false,
  softmax: "uniform",
} as const;

async function runGraph(
  weights: BlockWeights,
  x: Float32Array,
  prefixes: readonly ReferencePrefix[],
  bits: number | null,
  { neurons, leading }: ReferenceRegister = { neurons: [], leading: 0 },
  attention: AttentionRounding | null = null,
  slots = prefixes.length > 1 ? REGISTER_SLOTS : 1,
) {
  const tokens = { hasCls: leading > 0, trainedRegisters: Math.max(0, leading - 1) };
  const session = await createNodeRuntime().createSession(
    buildBlock({ ...encoderOf(weights), ...tokens }, weights, {
      shiftsNeurons: neurons.length > 0,
      quantize:
        bits === null ? null : { arithmetic: "simulated", linears: LINEARS, activations: NAIVE, attention },
    }),
  );
  // A closed slot's contents do not matter, but they would count in the dynamic ranges of quantized attention.
  const closed = () => (attention ? new Float32Array(D) : random(D));
  const slot = Array.from(
    { length: slots },
    (_, r) => prefixes[r] ?? { key: closed(), value: closed(), copies: 0 },
  );
  const laidOut = (name: "key" | "value", index: (head: number, r: number, i: number) => number) => {
    const data = new Float32Array(slots * D);
    slot.forEach((each, r) => {
      each[name].forEach((value, c) => {
        data[index(Math.floor(c / (D / H)), r, c % (D / H))] = value;
      });
    });
    return data;
  };
  const d = D / H;
  const outputs = await session.run(
    {
      x: { data: x, dims: [T, D] },
      prefix_key: { data: laidOut("key", (head, r, i) => (head * d + i) * slots + r), dims: [H, d, slots] },
      prefix_value: {
        data: laidOut("value", (head, r, i) => (head * slots + r) * d + i),
        dims: [H, slots, d],
      },
      prefix_bias: {
        data: Float32Array.from(slot, ({ copies }) => (copies > 0 ? Math.log(copies) : CLOSED_SLOT_BIAS)),
        dims: [slots],
      },
      query_share: { data: new Float32Array(H * T).fill(1 / (H * T)), dims: [1, H * T] },
      ...(neurons.length > 0 && {
        register_neurons: {
          data: Float32Array.from({ length: M }, (_, c) => (neurons.includes(c) ? 1 : 0)),
          dims: [1, M],
        },
      }),
      ...(bits && { qmax: { data: Float32Array.of(2 ** (bits - 1) - 1), dims: [1] } }),
    },
    ["y", "inputs", "attention"],
  );
  await session.release();
  return outputs;
}

const rowsOf = (x: Float32Array) =>
  Array.from({ length: T }, (_, t) => Array.from(x.subarray(t * D, (t + 1) * D)));

describe("block graph", () => {
  const register = (copies: number) => ({ key: random(D), value: random(D), copies });
  const prefix = [register(3)];
  const two = [register(1), register(3)];
  const four = [register(2), register(1), register(4), register(1)];
  it.each([
    { name: "plain", layerScale: false, bias: true, prefix: [], bits: null, tolerance: 1e-5 },
    {
      name: "LayerScale, no qkv bias",
      layerScale: true,
      bias: false,
      prefix: [],
      bits: null,
      tolerance: 1e-5,
    },
    {
      name: "three copies of a register as one slot",
      layerScale: false,
      bias: true,
      prefix,
      bits: null,
      tolerance: 1e-5,
    },
    { name: "SwiGLU", layerScale: true, bias: true, gated: true, prefix, bits: null, tolerance: 1e-5 },
    {
      name: "SwiGLU and 8 bits",
      layerScale: true,
      bias: true,
      gated: true,
      prefix: [],
      bits: 8,
      tolerance: 1e-4,
    },
    { name: "activations on 6 bits", layerScale: false, bias: true, prefix: [], bits: 6, tolerance: 1e-4 },
    { name: "prefix and 8 bits", layerScale: true, bias: true, prefix, bits: 8, tolerance: 1e-4 },
    {
      name: "two distinct registers, two slots closed",
      layerScale: false,
      bias: true,
      prefix: two,
      bits: null,
      tolerance: 1e-5,
    },
    {
      name: "four distinct registers and 8 bits",
      layerScale: true,
      bias: true,
      prefix: four,
      bits: 8,
      tolerance: 1e-4,
    },
  ])("matches the plain reference: $name", async ({ layerScale, bias, gated, prefix, bits, tolerance }) => {
    const weights = makeWeights(layerScale, bias, gated);
    const x = random(T * D, 2);
    const outputs = await runGraph(weights, x, prefix, bits);
    const expected = referenceBlock(encoderOf(weights), weights, rowsOf(x), prefix, bits);
    expect(relativeDifference(expected.y.flat(), outputs.y!.data)).toBeLessThan(tolerance);
    for (const [column, name] of INPUT_COLUMNS.entries()) {
      if (name === "toPrefix") continue;
      const got = Array.from(
        { length: T },
        (_, t) => outputs.inputs!.data[t * INPUT_COLUMNS.length + column]!,
      );
      expect(relativeDifference(expected.maxima[name], got)).toBeLessThan(tolerance);
    }
    expect(relativeDifference(expected.received, outputs.attention!.data.slice(-T))).toBeLessThan(tolerance);
  });

  it.each([
    { name: "no rows before the patches", leading: 0, bits: null, tolerance: 1e-5 },
    { name: "CLS and a trained register before them", leading: 2, bits: null, tolerance: 1e-5 },
    { name: "activations on 8 bits, over the register too", leading: 1, bits: 8, tolerance: 1e-4 },
    { name: "SwiGLU's product", leading: 1, gated: true, bits: null, tolerance: 1e-5 },
  ])("moves neurons to a test-time register: $name", async ({ leading, gated, bits, tolerance }) => {
    const weights = makeWeights(false, true, gated);
    const x = random(T * D, 2);
    const register = { neurons: [3, 17, 40], leading };
    const outputs = await runGraph(weights, x, [], bits, register);
    const expected = referenceBlock(encoderOf(weights), weights, rowsOf(x), [], bits, register);
    expect(relativeDifference(expected.y.flat(), outputs.y!.data)).toBeLessThan(tolerance);
    const column = INPUT_COLUMNS.indexOf("fc2");
    const fc2 = Array.from({ length: T }, (_, t) => outputs.inputs!.data[t * INPUT_COLUMNS.length + column]!);
    expect(relativeDifference(expected.maxima.fc2, fc2)).toBeLessThan(tolerance);
    const without = referenceBlock(encoderOf(weights), weights, rowsOf(x), [], bits);
    expect(relativeDifference(without.y.flat(), outputs.y!.data)).toBeGreaterThan(0.01);
  });

  it.each([
    { name: "no prefix", prefix: [], bits: 8 },
    { name: "the slot's key, value and weight among the rest", prefix: [register(1)], bits: 6 },
    { name: "those of four slots", prefix: [register(1), register(1), register(1), register(1)], bits: 8 },
  ])("quantized attention matches the plain reference: $name", async ({ prefix, bits }) => {
    const weights = makeWeights(false, true);
    const x = random(T * D, 2);
    const outputs = await runGraph(weights, x, prefix, bits, undefined, NAIVE_ATTENTION);
    const expected = referenceBlock(spec, weights, rowsOf(x), prefix, bits, null, true);
    expect(relativeDifference(expected.y.flat(), outputs.y!.data)).toBeLessThan(1e-4);
    expect(relativeDifference(expected.received, outputs.attention!.data.slice(-T))).toBeLessThan(1e-4);
    const without = referenceBlock(spec, weights, rowsOf(x), prefix, bits);
    expect(relativeDifference(without.y.flat(), outputs.y!.data)).toBeGreaterThan(1e-3);
  });

  it("changes nothing when the slot is closed, whatever lies in it", async () => {
    const weights = makeWeights(false, true);
    const x = random(T * D, 2);
    const first = await runGraph(weights, x, [], null);
    const second = await runGraph(weights, x, [], null); // other random slot contents
    expect([...second.y!.data]).toEqual([...first.y!.data]);
    expect(first.attention!.data[0]).toBe(0);
  });

  it.each([null, 8])("with no slots is what it is with a closed one, quantized linears: %s", async (bits) => {
    const weights = makeWeights(false, true);
    const x = random(T * D, 2);
    const closed = await runGraph(weights, x, [], bits);
    const none = await runGraph(weights, x, [], bits, undefined, null, 0);
    expect(relativeDifference(closed.y!.data, none.y!.data)).toBeLessThan(1e-5);
    expect(relativeDifference(closed.inputs!.data, none.inputs!.data)).toBeLessThan(1e-5);
    expect(none.attention!.dims).toEqual([1, T]);
  });

  it("with as many slots as registers is what it is with more, closed ones", async () => {
    const weights = makeWeights(false, true);
    const x = random(T * D, 2);
    const more = await runGraph(weights, x, two, null);
    const exact = await runGraph(weights, x, two, null, undefined, null, 2);
    expect(relativeDifference(more.y!.data, exact.y!.data)).toBeLessThan(1e-5);
    expect(relativeDifference(more.inputs!.data, exact.inputs!.data)).toBeLessThan(1e-5);
  });

  it.each([
    ["one register", prefix],
    ["two, in four slots", two],
  ])(
    "reports the attention that goes to the prefix, %s: with all tokens' share it adds up to 1",
    async (_, registers) => {
      const outputs = await runGraph(makeWeights(false, true), random(T * D, 2), registers, null);
      const attention = outputs.attention!.data;
      expect(attention.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      const toPrefix = Array.from({ length: T }, (_, t) => outputs.inputs!.data[t * 5 + 4]!);
      const received = attention.slice(0, -T).reduce((a, b) => a + b, 0);
      expect(toPrefix.reduce((a, b) => a + b, 0) / T).toBeCloseTo(received, 5);
    },
  );
});
