import type { LinearName } from "../encoder/weights.ts";
import { clipped } from "./activation-rounding.ts";
import type { TokenRange } from "./layers.ts";
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
  readonly clips: boolean;
}

/** Level of zero in u8: symmetric quantization in the unsigned type that ORT's fast kernels take. */
const ZERO = 128;
const LARGEST_LEVEL = 127;

/**
 * x W^T + b in integers: quantize x [T, in] to u8 with zero point 128, multiply by s8 weights in int32, scale back and
 * add b: ORT's own operator of its CPU providers. As QDQ it is fused to that operator only without a bias (MatMul and Add are
 * taken for a Gemm before); s8 activations would be an order of magnitude slower.
 *
 * inputs   static: <linear>_scale [1]; dynamic: s = max|x| / 127, with `clips` also clip_ratio [1] and clip_limit [1]
 */
export function integerLinear(
  g: GraphBuilder,
  x: string,
  name: LinearName,
  layer: IntegerLinear,
  range: TokenRange,
  how: IntegerActivation,
): string {
  const scale = how.range === "static" ? g.input(`${name}_scale`, [1]) : dynamicScale(g, range.linf, how);
  const zero = g.zeroPoint("uint8", ZERO);
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

function dynamicScale(g: GraphBuilder, linf: string, how: IntegerActivation): string {
  const max = g.node("Reshape", [
    g.node("ReduceMax", [linf], { axes: [0, 1], keepdims: 1 }),
    g.integers([1]),
  ]);
  const scale = g.node("Div", [clipped(g, max, how), g.constant([LARGEST_LEVEL])]);
  return g.node("Max", [scale, g.constant([1e-30])]);
}
