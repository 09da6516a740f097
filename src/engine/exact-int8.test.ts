import { expect, it } from "vitest";
import { GraphBuilder } from "../graph/onnx.ts";
import { exactInt8Options } from "./exact-int8.ts";
import { createNodeRuntime } from "./runtime-node.ts";

// [rows, in, out]: matrix-vector products and odd sizes have kernels of their own.
it.each([
  [1, 64, 64],
  [5, 770, 3],
  [197, 768, 192],
])("adds %i x %i x %i products of the largest levels without saturating", async (rows, size, out) => {
  const g = new GraphBuilder("largest levels");
  const zero = g.zeroPoint("uint8", 128);
  const one = g.constant([1]);
  const levels = g.node("QuantizeLinear", [g.input("x", [rows, size]), one, zero]);
  const weights = g.weights("w", [size, out], new Int8Array(size * out).fill(127));
  const product = [levels, weights, one, g.constant(1), zero, g.zeroPoint("int8", 0)];
  g.output("y", g.node("com.microsoft.MatMulIntegerToFloat", product), [rows, out]);
  const session = await createNodeRuntime().createSession(g.build());
  const x = { data: new Float32Array(rows * size).fill(127), dims: [rows, size] };
  const { y } = await session.run({ x }, ["y"]);
  await session.release();
  expect(new Set(y!.data)).toEqual(new Set([size * 127 * 127]));
});

it("asks once", () => {
  expect(exactInt8Options()).toBe(exactInt8Options());
});
