import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { EncoderWeights, LinearName } from "../encoder/weights.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import { relativeDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import { createNodeRuntime } from "./runtime-node.ts";
import type { BlockStates, Engine } from "./types.ts";

const SIDE = 20;
const pixels = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i * 0.37));

async function encoder(change: Partial<EncoderSpec> = {}) {
  const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks: 3, grid: 5, patch: 4 });
  const opened = openEncoder(
    await openSafetensors(memorySource(bytes, "random.safetensors")),
    { config },
    {},
  );
  return { spec: { ...opened.spec, ...change }, weights: opened.weights };
}

/** The weights with `by` added to all biases of one linear. */
function withBias(weights: EncoderWeights, block: number, name: LinearName, by: number): EncoderWeights {
  return {
    embed: () => weights.embed(),
    head: () => weights.head(),
    async block(index) {
      const read = await weights.block(index);
      if (index !== block) return read;
      const layer = read[name];
      const bias = (layer.bias ?? new Float32Array(layer.out)).map((value) => value + by);
      return { ...read, [name]: { ...layer, bias } };
    },
  };
}

async function feature(engine: Engine, intervention: Intervention) {
  const states: BlockStates[] = [];
  const { traces, result } = await collect(
    engine.run({ id: "waves", pixels }, intervention, { onStates: (state) => states.push(state) }),
  );
  const blocks = states.map(({ input }, i) => ({ x: input, positions: traces[i]!.positions }));
  return { feature: result.feature, states: { blocks, output: states.at(-1)!.output } };
}

describe("the backward pass of an encoder", () => {
  const deletion = { ...NO_INTERVENTION, delete: { block: 1, count: 4, by: "linf" } } as Intervention;
  it.each<[string, Partial<EncoderSpec>, Intervention]>([
    ["CLS pooling", {}, NO_INTERVENTION],
    ["mean pooling, tokens deleted", { pooling: "mean" }, deletion],
  ])("gives the finite differences of the feature: %s", async (_, change, intervention) => {
    const { spec, weights } = await encoder(change);
    const engine = await createEngine({ spec, weights }, createNodeRuntime());
    const { states } = await feature(engine, intervention);
    const u = Float32Array.from({ length: spec.width }, (_, i) => (i % 3 === 0 ? 1 : -1));
    const gradients = await engine.backward(states, intervention, u);
    await engine.dispose();
    const expected: number[] = [];
    const got: number[] = [];
    const step = 0.01;
    for (const [block, name] of [
      [0, "qkv"],
      [0, "fc2"],
      [1, "proj"],
      [2, "fc1"],
    ] as const) {
      const along = async (by: number) => {
        const moved = await createEngine(
          { spec, weights: withBias(weights, block, name, by) },
          createNodeRuntime(),
        );
        const result = await feature(moved, intervention);
        await moved.dispose();
        return result.feature.reduce((sum, value, i) => sum + value * u[i]!, 0);
      };
      expected.push(((await along(step)) - (await along(-step))) / (2 * step));
      got.push(gradients[block]![name].reduce((sum, value) => sum + value, 0));
    }
    expect(relativeDifference(expected, got)).toBeLessThan(0.02);
  });

  it("is refused with a test-time register", async () => {
    const engine = await createEngine(await encoder(), createNodeRuntime());
    const { states } = await feature(engine, NO_INTERVENTION);
    const neurons = { testTimeRegister: { neurons: [{ block: 1, neuron: 3 }] } } as unknown as Intervention;
    const refused = engine.backward(states, { ...NO_INTERVENTION, ...neurons }, new Float32Array(32));
    await expect(refused).rejects.toThrow(/test-time register/);
    await engine.dispose();
  });
});
