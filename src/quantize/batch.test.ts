import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { Linear } from "../encoder/weights.ts";
import { relativeDifference } from "../engine/agreement.ts";
import { runBatched } from "../engine/run-block.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { buildBlock } from "../graph/block.ts";
import type { BlockPlan } from "../intervention/plan.ts";
import { quantizationSchema } from "../intervention/quantization.ts";
import { activationGrids } from "./activation-grids.ts";
import { quantizeBlock } from "./block-quantizer.ts";

// Written by tools/make_quantizer_fixtures.py: a whole block on several images, in NumPy and fp64.
const numbers = z.array(z.number()).transform((values) => Float32Array.from(values));
const affine = z.object({ weight: numbers, bias: numbers });
const { tokens, width, attention, batch } = z
  .object({
    tokens: z.int(),
    width: z.int(),
    attention: z.object({ heads: z.int() }),
    batch: z.object({
      images: numbers,
      ...{ norm1: affine, norm2: affine, qkv: affine, proj: affine, fc1: affine, fc2: affine },
      prefix: z.object({ copies: z.number(), key: numbers, value: numbers }),
      cases: z.array(
        z.object({
          bits: z.int(),
          scheme: z.enum(["symmetric", "asymmetric"]),
          attention: z.boolean(),
          expected: numbers,
        }),
      ),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL("./fixtures/quantizers.json", import.meta.url), "utf8")));

const TOLERANCE = 1e-5;
const linear = ({ weight, bias }: z.infer<typeof affine>): Linear => ({
  ...{ weight, bias },
  ...{ out: bias.length, in: weight.length / bias.length },
});
const weights = {
  ...{ norm1: batch.norm1, norm2: batch.norm2, scale1: null, scale2: null },
  ...{ qkv: linear(batch.qkv), proj: linear(batch.proj), fc1: linear(batch.fc1), fc2: linear(batch.fc2) },
};
const spec = {
  ...{ width, heads: attention.heads, mlpWidth: weights.fc1.out },
  ...{ layerNormEps: 1e-6, activation: "gelu" },
} as EncoderSpec;
const size = tokens * width;
const images = Array.from({ length: batch.images.length / size }, (_, i) => ({
  x: batch.images.slice(i * size, (i + 1) * size),
  positions: Int32Array.from({ length: tokens }, (_, token) => token),
}));

it.each(batch.cases)("a batch against NumPy: $bits bits, $scheme, attention $attention", async (one) => {
  const quantize = quantizationSchema.parse({
    ...{ weightBits: one.bits, activationBits: one.bits, activationScheme: one.scheme },
    ...(one.attention && { attention: true }),
    range: { kind: "dynamic-batch", batch: images.length },
  });
  const block = quantizeBlock(weights, quantize, null);
  const options = { quantize: block.graph, batched: true };
  const session = await createNodeRuntime().createSession(buildBlock(spec, block.weights, options));
  const { copies, key, value } = batch.prefix;
  const plan = {
    prefix: { registers: [{ key: [key], value: [value] }], logCount: Math.log(copies) },
  } as unknown as BlockPlan;
  const variant = { session, grids: activationGrids(quantize, block, null), slots: 1 };
  const got = await runBatched(spec, variant, 0, images, plan);
  await session.release();
  for (const [i, y] of got.images.entries()) {
    const expected = one.expected.slice(i * size, (i + 1) * size);
    expect(relativeDifference(expected, y)).toBeLessThan(TOLERANCE);
  }
});
