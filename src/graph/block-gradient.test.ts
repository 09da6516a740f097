import { describe, expect, it } from "vitest";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { BlockWeights } from "../encoder/weights.ts";
import { relativeDifference } from "../engine/agreement.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { slotFeeds } from "../engine/slots.ts";
import { REGISTER_SLOTS } from "./block.ts";
import { buildBlockGradient, linearGradient } from "./block-gradient.ts";
import { activation, activationSlope } from "./layers.ts";
import { GraphBuilder } from "./onnx.ts";
import { type ReferencePrefix, referenceBlock } from "./reference-block.ts";

const T = 5;
const [D, H, M] = [12, 2, 24];
const spec = { width: D, heads: H, mlpWidth: M, layerNormEps: 1e-6, activation: "gelu" } as EncoderSpec;
let seed = 3;
const random = (count: number, size = 1) =>
  Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed / 2 ** 31 - 1) * size;
  });
const linear = (out: number, input: number) => ({
  ...{ weight: random(out * input, 0.4), bias: random(out, 0.2), out, in: input },
});
const makeWeights = (layerScale: boolean, gated = false): BlockWeights => ({
  norm1: { weight: random(D), bias: random(D, 0.1) },
  qkv: linear(3 * D, D),
  proj: linear(D, D),
  scale1: layerScale ? random(D) : null,
  norm2: { weight: random(D), bias: random(D, 0.1) },
  fc1: linear(gated ? 2 * M : M, D),
  fc2: linear(D, M),
  scale2: layerScale ? random(D) : null,
});

/** Central differences of dy . block(x), in fp64. */
const STEP = 1e-5;
const difference = (loss: (by: number) => number) => (loss(STEP) - loss(-STEP)) / (2 * STEP);

describe("the backward pass of a block", () => {
  const register = (): ReferencePrefix => ({ key: random(D), value: random(D), copies: 1 });
  const prefix = [register()];
  it.each([
    { name: "plain", layerScale: false, prefix: [] },
    { name: "LayerScale and a prefix", layerScale: true, prefix },
    { name: "SwiGLU", layerScale: true, prefix, gated: true },
    { name: "two registers in more slots", layerScale: false, prefix: [register(), register()] },
  ])("gives the reference's finite differences: $name", async ({ layerScale, prefix, gated }) => {
    const weights = makeWeights(layerScale, gated);
    const encoder: EncoderSpec = gated ? { ...spec, activation: "swiglu" } : spec;
    const x = random(T * D, 2);
    const dy = random(T * D);
    const slots = prefix.length > 1 ? REGISTER_SLOTS : 1;
    const registers = prefix.map(({ key, value }) => ({ key: [key], value: [value], candidates: 1 }));
    const session = await createNodeRuntime().createSession(buildBlockGradient(encoder, weights));
    const names = (["qkv", "proj", "fc1", "fc2"] as const).map(linearGradient);
    const outputs = await session.run(
      {
        x: { data: x, dims: [T, D] },
        dy: { data: dy, dims: [T, D] },
        ...slotFeeds({ registers, logCount: 0 }, 0, slots, { heads: H, perHead: D / H }),
      },
      ["dx", ...names],
    );
    await session.release();
    const loss = (rows: readonly number[], changed = weights) => {
      const matrix = Array.from({ length: T }, (_, t) => [...rows.slice(t * D, (t + 1) * D)]);
      const { y } = referenceBlock(encoder, changed, matrix, prefix, null);
      return y.flat().reduce((sum, value, i) => sum + value * dy[i]!, 0);
    };
    const rows = [...x];
    const byInput = rows.map((value, i) => difference((by) => loss(rows.with(i, value + by))));
    expect(relativeDifference(byInput, outputs.dx!.data)).toBeLessThan(1e-4);
    // A linear's bias reaches the output of every token: its gradient is the sum over the tokens.
    for (const name of ["qkv", "proj", "fc1", "fc2"] as const) {
      const layer = weights[name];
      const byBias = Array.from(layer.bias!, (value, o) =>
        difference((by) => {
          const bias = [...layer.bias!].with(o, value + by) as unknown as Float32Array;
          return loss(rows, { ...weights, [name]: { ...layer, bias } });
        }),
      );
      const gradient = outputs[linearGradient(name)]!.data;
      const summed = byBias.map((_, o) => {
        let sum = 0;
        for (let t = 0; t < T; t++) sum += gradient[t * layer.out + o]!;
        return sum;
      });
      expect(relativeDifference(byBias, summed)).toBeLessThan(1e-4);
    }
  });

  it.each(["gelu", "gelu_tanh", "quick_gelu"] as const)("%s has its slope", async (kind) => {
    const g = new GraphBuilder("slope");
    const x = g.input("x", ["N"]);
    g.output("y", activation(g, x, kind), ["N"]);
    g.output("slope", activationSlope(g, x, kind), ["N"]);
    const session = await createNodeRuntime().createSession(g.build());
    const at = Array.from({ length: 81 }, (_, i) => (i - 40) / 10);
    const h = 2 ** -6;
    const data = Float32Array.from([...at, ...at.map((v) => v + h), ...at.map((v) => v - h)]);
    const { y, slope } = await session.run({ x: { data, dims: [data.length] } }, ["y", "slope"]);
    await session.release();
    const n = at.length;
    const differences = at.map((_, i) => (y!.data[n + i]! - y!.data[2 * n + i]!) / (2 * h));
    expect(relativeDifference(differences, slope!.data.slice(0, n))).toBeLessThan(2e-4);
  });
});
