import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { relativeDifference } from "../engine/agreement.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { type ActivationRounding, roundActivation } from "../graph/activation-rounding.ts";
import { tokenRange } from "../graph/layers.ts";
import { GraphBuilder } from "../graph/onnx.ts";
import { type Quantization, quantizationSchema } from "../intervention/quantization.ts";
import { activationGrids, type GridFeeds } from "./activation-grids.ts";
import { quantizeBlock } from "./block-quantizer.ts";
import { applyFold, channelFold, smoothingFold } from "./fold.ts";
import { InputGatherer } from "./input-gatherer.ts";
import {
  columnNorms,
  errorWeights,
  searchSymmetric,
  searchTwin,
  searchWeightScales,
} from "./scale-search.ts";
import type { BlockStatistics } from "./statistics.ts";
import { quantizeWeight } from "./weights.ts";

// Written by tools/make_quantizer_fixtures.py: every quantizer a second time, in NumPy and fp64.
const list = z.array(z.number());
const activation = z.object({
  name: z.string(),
  bits: z.int(),
  settings: z.record(z.string(), z.unknown()),
  expected: list,
});
const folded = z.object({ normWeight: list, normBias: list, weight: list, bias: list });
const fixture = z
  .object({
    tokens: z.int(),
    width: z.int(),
    out: z.int(),
    x: list,
    images: z.array(list),
    weight: list,
    norm: z.object({ weight: list, bias: list }),
    bias: list,
    dynamic: z.array(activation),
    static: z.array(activation),
    weights: z.array(
      z.object({ granularity: z.enum(["per-tensor", "per-channel"]), bits: z.int(), expected: list }),
    ),
    smooth: folded.extend({ alpha: z.number() }),
    reparameterised: folded.extend({ bits: z.int(), scale: z.number(), zero: z.number() }),
    search: z.object({
      bits: z.int(),
      rows: list,
      activation: z.number(),
      positive: z.number(),
      negative: z.number(),
      perChannel: list,
    }),
    guided: z.object({ bits: z.int(), gradients: list, activation: z.number(), weights: z.number() }),
    twin: z.object({ bits: z.int(), positive: z.number(), negative: z.number(), x: list, expected: list }),
  })
  .parse(JSON.parse(readFileSync(new URL("./fixtures/quantizers.json", import.meta.url), "utf8")));

const TOLERANCE = 1e-5;
const { width, tokens, out } = fixture;
const f32 = (values: readonly number[]) => Float32Array.from(values);
const layer = { weight: f32(fixture.weight), bias: f32(fixture.bias), out, in: width };
const norm = { weight: f32(fixture.norm.weight), bias: f32(fixture.norm.bias) };

function gather(images: readonly (readonly number[])[], perImage = 0) {
  const gatherer = new InputGatherer(width, "full", perImage);
  for (const image of images) gatherer.add(f32(image));
  return gatherer.finish();
}

/** Rounds [tokens, width] as the block graph does the input of fc2. */
async function rounded(x: Float32Array, how: ActivationRounding, feeds: GridFeeds): Promise<Float32Array> {
  const g = new GraphBuilder("rounding");
  const input = g.input("x", ["T", width]);
  g.output("y", roundActivation(g, input, "fc2", tokenRange(g, input), how), ["T", width]);
  const session = await createNodeRuntime().createSession(g.build());
  const scalars = Object.entries(feeds).map(([name, value]) => [
    name,
    { data: Float32Array.of(value as number), dims: [1] },
  ]);
  const outputs = await session.run(
    { x: { data: x, dims: [tokens, width] }, ...Object.fromEntries(scalars) },
    ["y"],
  );
  await session.release();
  return outputs.y!.data;
}

describe("quantizers against NumPy", () => {
  const statistics = gather(fixture.images);
  const blockStatistics = { fc2: statistics } as unknown as BlockStatistics;
  const square = { ...layer, weight: new Float32Array(width * width).fill(1), out: width };
  const weights = { norm1: norm, qkv: square, proj: square, norm2: norm, fc1: square, fc2: square };

  it.each([...fixture.dynamic, ...fixture.static])("activations, $name, $bits bits", async (one) => {
    const quantize: Quantization = quantizationSchema.parse({
      ...{ weightBits: 8, activationBits: one.bits, linears: ["fc2"] },
      ...one.settings,
    });
    const block = quantizeBlock({ ...weights, scale1: null, scale2: null }, quantize, blockStatistics);
    if (block.graph.arithmetic !== "simulated") throw new Error("not simulated");
    const feeds = activationGrids(quantize, block, blockStatistics);
    const got = await rounded(f32(fixture.x), block.graph.activations, feeds);
    expect(relativeDifference(one.expected, got)).toBeLessThan(TOLERANCE);
  });

  it("activations, twin uniform (PTQ4ViT)", async () => {
    const { positive, negative, bits, x, expected } = fixture.twin;
    const how: ActivationRounding = {
      ...{ range: "static", scheme: "symmetric", granularity: "per-tensor", clips: false },
      ...{ excludes: null, twin: "fc2" },
    };
    const feeds = {
      fc2_scale: positive,
      fc2_negative_scale: negative,
      fc2_low: -(2 ** (bits - 1)),
      fc2_high: 2 ** (bits - 1) - 1,
    };
    expect(relativeDifference(expected, await rounded(f32(x), how, feeds))).toBeLessThan(TOLERANCE);
  });

  it.each(fixture.weights)("weights, $granularity, $bits bits", ({ granularity, bits, expected }) => {
    const got = quantizeWeight(layer.weight, out, bits, granularity);
    expect(relativeDifference(expected, got)).toBeLessThan(TOLERANCE);
  });

  it("SmoothQuant's fold", () => {
    const { alpha, ...expected } = fixture.smooth;
    expectFold(applyFold(norm, layer, smoothingFold(layer, statistics, alpha)), expected);
  });

  it("RepQ-ViT's reparameterization and its one grid", () => {
    const { bits, scale, zero, ...expected } = fixture.reparameterised;
    const { fold, grid } = channelFold(statistics, bits);
    expectFold(applyFold(norm, layer, fold), expected);
    expect(grid.scale / scale).toBeCloseTo(1, 5);
    expect(grid).toMatchObject({ low: -zero, high: 2 ** bits - 1 - zero });
  });

  it("scales of least output error (PTQ4ViT)", () => {
    const { bits, rows, ...expected } = fixture.search;
    const size = rows.length / fixture.images.length;
    const images = fixture.images.map((_, i) => rows.slice(i * size, (i + 1) * size));
    const input = gather(images, tokens); // every row is a sample
    const norms = columnNorms(layer);
    expect(searchSymmetric(input, norms, bits).scale / expected.activation).toBeCloseTo(1, 5);
    const { positive, negative } = searchTwin(input, norms, bits);
    expect(positive.scale / expected.positive).toBeCloseTo(1, 5);
    expect(negative.scale / expected.negative).toBeCloseTo(1, 5);
    const scales = searchWeightScales(layer, input, bits, "per-channel");
    expect(relativeDifference(expected.perChannel, scales)).toBeLessThan(TOLERANCE);
  });
});

it("scales guided by squared gradients (PTQ4ViT's Hessian)", () => {
  const { bits, gradients, ...expected } = fixture.guided;
  const sample = f32(fixture.search.rows);
  const squaredGradients = f32(gradients).map((value) => value ** 2);
  const channels = (pick: (...values: number[]) => number) =>
    Float32Array.from({ length: width }, (_, c) => pick(...sample.filter((_, i) => i % width === c)));
  const input = {
    ...gather(fixture.images),
    ...{ sample, squaredGradients, channelMin: channels(Math.min), channelMax: channels(Math.max) },
  };
  expect(searchSymmetric(input, errorWeights(layer, input), bits).scale / expected.activation).toBeCloseTo(
    1,
    5,
  );
  expect(searchWeightScales(layer, input, bits, "per-tensor")[0]! / expected.weights).toBeCloseTo(1, 5);
  // They are other scales than those of the plain search.
  const plain = { ...input, squaredGradients: new Float32Array() };
  const unguided = searchWeightScales(layer, plain, bits, "per-tensor")[0]!;
  const activation = searchSymmetric(plain, errorWeights(layer, plain), bits).scale;
  expect([unguided / expected.weights, activation / expected.activation]).not.toEqual([1, 1]);
});

describe("scale search of a weight too large to look at whole", () => {
  const [rows, columns] = [600, 512];
  const search = (largeRow: number) => {
    const weight = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 0.37) / 20);
    weight[largeRow * columns + 5] = 2.5;
    const sample = new Float32Array(columns).fill(0.3);
    sample[5] = 100; // the neuron that writes a massive activation through the large weight
    const large = { weight, bias: null, out: rows, in: columns };
    return searchWeightScales(large, { ...gather(fixture.images), sample }, 8, "per-tensor")[0]!;
  };

  it.each([0, 41, 599])("does not clip the weight that matters, in row %i", (row) => {
    expect(search(row) * 127).toBeGreaterThan(0.99 * 2.5);
  });
});

function expectFold(got: ReturnType<typeof applyFold>, expected: z.infer<typeof folded>): void {
  const pairs: [number[], Float32Array][] = [
    [expected.normWeight, got.norm.weight],
    [expected.normBias, got.norm.bias],
    [expected.weight, got.layer.weight],
    [expected.bias, got.layer.bias!],
  ];
  for (const [wanted, value] of pairs) expect(relativeDifference(wanted, value)).toBeLessThan(TOLERANCE);
}
