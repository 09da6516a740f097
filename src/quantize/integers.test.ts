import { readFileSync } from "node:fs";
import * as wasm from "onnxruntime-web";
import { expect, it } from "vitest";
import { z } from "zod";
import { relativeDifference } from "../engine/agreement.ts";
import { sessionOptions, wrapSession } from "../engine/ort-session.ts";
import type { GraphSession } from "../engine/runtime.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { integerLinear } from "../graph/integer-linear.ts";
import { tokenRange } from "../graph/layers.ts";
import { GraphBuilder, type OnnxModel } from "../graph/onnx.ts";
import { integerLinearOf, weightLevels } from "./weights.ts";

// Written by tools/make_quantizer_fixtures.py: the deployed arithmetic a second time, in NumPy's integers.
const list = z.array(z.number());
const { tokens, width, out, x, weight, bias, integers } = z
  .object({
    ...{ tokens: z.int(), width: z.int(), out: z.int(), x: list, weight: list, bias: list },
    integers: z.array(
      z.object({
        scheme: z.enum(["symmetric", "asymmetric"]),
        weights: z.enum(["per-tensor", "per-channel"]),
        range: z.enum(["dynamic", "static"]),
        scale: z.number().optional(),
        zero: z.number().optional(),
        expected: list,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("./fixtures/quantizers.json", import.meta.url), "utf8")));
const f32 = (values: readonly number[]) => Float32Array.from(values);
const layer = { weight: f32(weight), bias: f32(bias), out, in: width };

const RUNTIMES: Record<string, (model: OnnxModel) => Promise<GraphSession>> = {
  native: (model) => createNodeRuntime().createSession(model),
  WASM: async (model) => {
    wasm.env.wasm.numThreads = 1;
    const options = { ...sessionOptions(model), executionProviders: ["wasm"] };
    return wrapSession(await wasm.InferenceSession.create(model.bytes, options), wasm.Tensor);
  },
};

const cases = Object.keys(RUNTIMES).flatMap((runtime) => integers.map((one) => ({ runtime, ...one })));

it.each(cases)(
  "int8 on $runtime kernels, $scheme, weights $weights, $range ranges, is NumPy's",
  async (one) => {
    const { scheme, range } = one;
    const levels = weightLevels(layer.weight, out, 8, one.weights);
    const g = new GraphBuilder("linear");
    const input = g.input("x", ["T", width]);
    const how = { scheme, range, clips: false };
    const y = integerLinear(g, input, "fc1", integerLinearOf(layer, levels), tokenRange(g, input), how);
    g.output("y", y, ["T", out]);
    const session = await RUNTIMES[one.runtime]!(g.build());
    const scalar = (value: number) => ({ data: Float32Array.of(value), dims: [1] });
    const feeds = {
      x: { data: f32(x), dims: [tokens, width] },
      ...(range === "static" && { fc1_scale: scalar(one.scale!) }),
      ...(range === "static" && scheme === "asymmetric" && { fc1_zero: scalar(one.zero!) }),
    };
    const outputs = await session.run(feeds, ["y"]);
    await session.release();
    expect(relativeDifference(one.expected, outputs.y!.data)).toBeLessThan(1e-5);
  },
);
