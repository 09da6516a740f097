import { InferenceSession, Tensor } from "onnxruntime-node";
import { GraphBuilder } from "../graph/onnx.ts";
import { sessionOptions } from "./ort-session.ts";

/** Products of the largest u8 and s8 levels, of which two exceed 16 bits. */
const [SIZE, LARGEST, ZERO] = [64, 127, 128];

/** ORT's `kOrtSessionOptionsAvx2PrecisionMode`: weights are shifted to u8, whose kernel is exact everywhere. */
const AS_U8 = { session: { x64quantprecision: "1" } };

let options: Promise<Readonly<Record<string, unknown>>> | null = null;

/**
 * Session options with which integer matrix products are exact natively. On x86-64 processors without VNNI, ORT's kernel for u8
 * activations and s8 weights adds pairs of products in 16 bits, which saturate: its results are then far off, not merely rounded.
 * It is asked for a product that would show this, since Node tells nothing of VNNI; where it is right it stays, being much
 * faster than the kernel for u8 weights.
 */
export function exactInt8Options(): Promise<Readonly<Record<string, unknown>>> {
  options ??= isExact().then((exact) => (exact ? {} : AS_U8));
  return options;
}

/** Whether the default kernel multiplies levels without saturating. */
async function isExact(): Promise<boolean> {
  const g = new GraphBuilder("exact int8");
  const zero = g.zeroPoint("uint8", ZERO);
  const one = g.constant([1]);
  const levels = g.node("QuantizeLinear", [g.input("x", [SIZE, SIZE]), one, zero]);
  const weights = g.weights("w", [SIZE, SIZE], new Int8Array(SIZE * SIZE).fill(LARGEST));
  const scale = g.constant(1);
  const product = [levels, weights, one, scale, zero, g.zeroPoint("int8", 0)];
  g.output("y", g.node("com.microsoft.MatMulIntegerToFloat", product), [SIZE, SIZE]);
  const model = g.build();
  const session = await InferenceSession.create(model.bytes, {
    ...sessionOptions(model),
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
  });
  const x = new Tensor("float32", new Float32Array(SIZE * SIZE).fill(LARGEST), [SIZE, SIZE]);
  const { y } = await session.run({ x }, ["y"]);
  await session.release();
  return (y!.data as Float32Array).every((value) => value === SIZE * LARGEST * LARGEST);
}
