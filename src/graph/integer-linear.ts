import type { LinearName } from "../encoder/weights.ts";
import { asymmetricGrid, symmetricGrid } from "./activation-rounding.ts";
import type { InputRange, LazyRange } from "./layers.ts";
import type { GraphBuilder } from "./onnx.ts";

/** A linear's weights on 8-bit levels: w = scale * level. */
export interface IntegerLinear {
  /** Levels -127..127, transposed for MatMul: [in, out]. */
  readonly levels: Int8Array;
  /** One scale, or one an output channel: [1] or [out]. */
  readonly scales: Float32Array;
  /** [out]; null = no bias */
  readonly bias: Float32Array | null;
  readonly out: number;
  readonly in: number;
}

/** How the integer kernels take a linear's input. */
export interface IntegerActivation {
  readonly range: "dynamic" | "static";
  readonly scheme: "symmetric" | "asymmetric";
  readonly clips: boolean;
}

/** Level of zero in u8: symmetric quantization in the unsigned type that ORT's fast kernels take. */
const ZERO = 128;
const LARGEST_LEVEL = 127;
/** Levels of an asymmetric grid above its lowest. */
const ASYMMETRIC_LEVELS = 255;
const UINT8 = 2;

/**
 * x W^T + b in integers: quantize x [T, in] to u8 with zero point 128 (symmetric) or -min / s (asymmetric), multiply by s8 weights in int32, scale back and
 * add b: ORT's own operator of its CPU providers. As QDQ it is fused to that operator only without a bias (MatMul and Add are
 * taken for a Gemm before); s8 activations would be an order of magnitude slower.
 *
 * inputs   static: <linear>_scale [1], asymmetric also <linear>_zero [1], an integer 0..255; dynamic: s = max|x| / 127, or
 *          (max - min) / 255, with `clips` also clip_ratio [1] and clip_limit [1]
 */
export function integerLinear(
  g: GraphBuilder,
  x: string,
  name: LinearName,
  layer: IntegerLinear,
  range: LazyRange,
  how: IntegerActivation,
): string {
  const { scale, zero } = how.range === "static" ? staticGrid(g, name, how) : dynamicGrid(g, range(), how);
  const levels = g.node("QuantizeLinear", [x, scale, zero]);
  const perChannel = layer.scales.length > 1;
  return g.node("com.microsoft.MatMulIntegerToFloat", [
    levels,
    g.weights(`${name}_levels`, [layer.in, layer.out], layer.levels),
    scale,
    perChannel ? g.constant([...layer.scales]) : g.constant(layer.scales[0]!),
    zero,
    g.zeroPoint("int8", 0, perChannel ? layer.out : undefined),
    ...(layer.bias ? [g.weights(`${name}_bias`, [layer.out], layer.bias)] : []),
  ]);
}

/** Scale [1] and zero point, u8 [1] or a scalar. */
interface IntegerGrid {
  readonly scale: string;
  readonly zero: string;
}

function staticGrid(g: GraphBuilder, name: LinearName, how: IntegerActivation): IntegerGrid {
  const scale = g.input(`${name}_scale`, [1]);
  if (how.scheme === "symmetric") return { scale, zero: g.zeroPoint("uint8", ZERO) };
  return { scale, zero: g.node("Cast", [g.input(`${name}_zero`, [1])], { to: UINT8 }) };
}

function dynamicGrid(g: GraphBuilder, range: InputRange, how: IntegerActivation): IntegerGrid {
  const flat = (value: string) => g.node("Reshape", [value, g.integers([1])]);
  const over = (value: string, op: "ReduceMax" | "ReduceMin") =>
    flat(g.node(op, [value], { axes: [0, 1], keepdims: 1 }));
  if (how.scheme === "symmetric") {
    const { scale } = symmetricGrid(g, over(range.linf, "ReduceMax"), g.constant([LARGEST_LEVEL]), how);
    return { scale, zero: g.zeroPoint("uint8", ZERO) };
  }
  const extremes = [over(range.largest, "ReduceMax"), over(range.smallest, "ReduceMin")] as const;
  const { scale, zeroPoint } = asymmetricGrid(g, ...extremes, g.constant([ASYMMETRIC_LEVELS]), how);
  return { scale, zero: g.node("Cast", [zeroPoint], { to: UINT8 }) };
}
