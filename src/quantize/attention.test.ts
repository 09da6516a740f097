import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { relativeDifference } from "../engine/agreement.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { type AttentionRounding, roundOperand, roundSoftmax } from "../graph/attention-rounding.ts";
import { GraphBuilder } from "../graph/onnx.ts";
import { quantizationSchema } from "../intervention/quantization.ts";
import type { GridFeeds } from "./activation-grids.ts";
import { attentionGrids } from "./attention-grids.ts";
import { AttentionGatherer } from "./attention-statistics.ts";

// Written by tools/make_quantizer_fixtures.py, from the papers, in NumPy and fp64.
const list = z.array(z.number());
const { tokens, width, attention } = z
  .object({
    tokens: z.int(),
    width: z.int(),
    attention: z.object({
      heads: z.int(),
      qkv: list,
      softmaxOutputs: list,
      operand: z.object({ x: list, scales: list, static: list, dynamic: list }),
      softmax: z.array(
        z.object({
          how: z.object({
            range: z.enum(["dynamic", "static"]),
            scheme: z.enum(["symmetric", "asymmetric"]),
            softmax: z.enum(["uniform", "twin", "log-sqrt2"]),
          }),
          feeds: z.record(z.string(), z.number()),
          expected: list,
        }),
      ),
      search: z.object({ bits: z.int(), split: z.number(), logScale: z.number(), query: list }),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL("./fixtures/quantizers.json", import.meta.url), "utf8")));

const TOLERANCE = 1e-5;
const { heads } = attention;
const PLAIN = { clips: false, perHead: false, softmax: "uniform" } as const;
const mapSize = heads * tokens * (1 + tokens);
const images = attention.softmaxOutputs.length / mapSize;
const part = (values: readonly number[], i: number, size: number) =>
  Float32Array.from(values.slice(i * size, (i + 1) * size));

/** Runs a graph of one input [H, T, columns]. */
async function run(
  build: (g: GraphBuilder, x: string) => string,
  data: Float32Array,
  feeds: GridFeeds,
): Promise<Float32Array> {
  const g = new GraphBuilder("attention");
  const columns = data.length / (heads * tokens);
  g.output("y", build(g, g.input("x", [heads, "T", columns])), [heads, "T", columns]);
  const session = await createNodeRuntime().createSession(g.build());
  const scalars = Object.entries(feeds).map(([name, value]) => {
    const values = typeof value === "number" ? [value] : value;
    return [name, { data: Float32Array.from(values), dims: typeof value === "number" ? [1] : [heads, 1, 1] }];
  });
  const inputs = { x: { data, dims: [heads, tokens, columns] }, ...Object.fromEntries(scalars) };
  const { y } = await session.run(inputs, ["y"]);
  await session.release();
  return y!.data;
}

function gather(prefix: { key: Float32Array; value: Float32Array } | null = null) {
  const gatherer = new AttentionGatherer(width, heads, "full", tokens, heads * tokens); // all rows
  for (let i = 0; i < images; i++) {
    const qkv = part(attention.qkv, i, tokens * 3 * width);
    gatherer.add({ qkv, softmax: part(attention.softmaxOutputs, i, mapSize), prefix });
  }
  return gatherer.finish();
}

describe("attention matmuls against NumPy", () => {
  const { operand, search } = attention;
  const x = Float32Array.from(operand.x);

  it("an operand with a scale for each head", async () => {
    const how: AttentionRounding = { ...PLAIN, range: "static", scheme: "symmetric", perHead: true };
    const feeds = { q_scale: operand.scales, q_low: -7, q_high: 7 };
    const got = await run((g, input) => roundOperand(g, [input], "q", how)[0]!, x, feeds);
    expect(relativeDifference(operand.static, got)).toBeLessThan(TOLERANCE);
  });

  it("an operand in two parts on one dynamic grid", async () => {
    const how: AttentionRounding = { ...PLAIN, range: "dynamic", scheme: "asymmetric" };
    const split = (g: GraphBuilder, input: string) => {
      const rows = (from: number, to: number) =>
        g.node("Slice", [input, g.integers([from]), g.integers([to]), g.integers([1])]);
      const parts = [rows(0, 2), rows(2, tokens)];
      return g.node("Concat", roundOperand(g, parts, "k", how), { axis: 1 });
    };
    const got = await run(split, x, { qmax: 31 });
    expect(relativeDifference(operand.dynamic, got)).toBeLessThan(TOLERANCE);
  });

  it.each(attention.softmax)("the softmax output, $how.softmax, $feeds", async ({ how, feeds, expected }) => {
    const softmax = part(attention.softmaxOutputs, 1, mapSize);
    const rounding: AttentionRounding = { ...PLAIN, ...how };
    const got = await run((g, input) => roundSoftmax(g, input, rounding), softmax, feeds);
    expect(relativeDifference(expected, got)).toBeLessThan(TOLERANCE);
    expect(got[0]).toBe(0); // the closed slot stays closed
  });

  const settings = { weightBits: 8, activationBits: search.bits, attention: true } as const;
  it("PTQ4ViT's split of the softmax output and scales of the heads", () => {
    const feeds = attentionGrids(quantizationSchema.parse({ ...settings, base: "ptq4vit" }), gather());
    expect(feeds.softmax_scale).toBeCloseTo(search.split / 2 ** (search.bits - 1), 8);
    expect(relativeDifference(search.query, feeds.q_scale as number[])).toBeLessThan(TOLERANCE);
  });

  it("RepQ-ViT's scale of the log-sqrt2 grid", () => {
    const feeds = attentionGrids(quantizationSchema.parse({ ...settings, base: "repq-vit" }), gather());
    expect((feeds.softmax_scale as number) / search.logScale).toBeCloseTo(1, 5);
  });

  it("static ranges hold the prefix slot's key and value; the softmax output's is [0, 1]", () => {
    const key = new Float32Array(width).fill(50);
    const value = new Float32Array(width).fill(-60);
    const range = { kind: "static", statistic: "min-max" } as const;
    const feeds = attentionGrids(quantizationSchema.parse({ ...settings, range }), gather({ key, value }));
    expect(feeds.k_scale).toBeCloseTo(50 / 7, 5);
    expect(feeds.v_scale).toBeCloseTo(60 / 7, 5);
    expect(feeds.softmax_scale).toBeCloseTo(1 / 7, 6);
  });
});
