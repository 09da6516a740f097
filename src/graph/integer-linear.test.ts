import { describe, expect, it } from "vitest";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { integerLinearOf, weightLevels } from "../quantize/weights.ts";
import { type ActivationRounding, roundActivation } from "./activation-rounding.ts";
import { integerLinear } from "./integer-linear.ts";
import { linear, tokenRange } from "./layers.ts";
import { GraphBuilder } from "./onnx.ts";

const [T, IN, OUT] = [6, 32, 16];
const wave = (count: number, step: number, shift = 0) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * step + 0.3) * 2 + shift);
const x = wave(T * IN, 0.71, 0.9);
const layer = { weight: wave(OUT * IN, 1.37), bias: wave(OUT, 0.5), out: OUT, in: IN };

async function run(build: (g: GraphBuilder, x: string) => string, feeds: Record<string, number>) {
  const g = new GraphBuilder("linear");
  g.output("y", build(g, g.input("x", ["T", IN])), ["T", OUT]);
  const session = await createNodeRuntime().createSession(g.build());
  const scalars = Object.entries(feeds).map(([name, value]) => [
    name,
    { data: Float32Array.of(value), dims: [1] },
  ]);
  const { y } = await session.run({ x: { data: x, dims: [T, IN] }, ...Object.fromEntries(scalars) }, ["y"]);
  await session.release();
  return y!.data;
}

const low = -0.5;
const scale = 3.4 / 255;
const zero = Math.round(-low / scale);
describe("a linear in ORT's integers", () => {
  it.each([
    { scheme: "symmetric", range: "dynamic", integer: {}, simulated: { qmax: 127 }, step: 2.9 / 127 },
    { scheme: "asymmetric", range: "dynamic", integer: {}, simulated: { qmax: 255 }, step: 4 / 255 },
    {
      scheme: "asymmetric",
      range: "static",
      step: scale,
      integer: { fc1_scale: scale, fc1_zero: zero },
      simulated: { fc1_scale: scale, fc1_low: -zero, fc1_high: 255 - zero },
    },
  ] as const)("is its simulation within one level of one input: $scheme, $range", async (one) => {
    const { scheme, range, step } = one;
    const levels = weightLevels(layer.weight, OUT, 8, "per-tensor");
    const integer = await run(
      (g, input) =>
        integerLinear(g, input, "fc1", integerLinearOf(layer, levels), tokenRange(g, input), {
          ...{ scheme, range, clips: false },
        }),
      one.integer,
    );
    const how: ActivationRounding = {
      ...{ scheme, range, granularity: "per-tensor", clips: false, excludes: null, twin: null },
    };
    const rounded = levels.levels as unknown as number[];
    const weight = Float32Array.from(rounded, (level) => level * levels.scales[0]!);
    const simulated = await run(
      (g, input) =>
        linear(g, roundActivation(g, input, "fc1", tokenRange(g, input), how), "fc1", { ...layer, weight }),
      one.simulated,
    );
    const largestWeight = 127 * levels.scales[0]!;
    const apart = Math.max(...simulated.map((value, i) => Math.abs(value - integer[i]!)));
    expect(apart).toBeLessThan(step * largestWeight);
    const fp = await run((g, input) => linear(g, input, "fc1", layer), {});
    expect(Math.max(...fp.map((value, i) => Math.abs(value - integer[i]!)))).toBeGreaterThan(0);
  });
});
