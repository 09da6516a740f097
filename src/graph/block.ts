import type { EncoderSpec } from "../encoder/spec.ts";
import type { BlockWeights, Linear, LinearName } from "../encoder/weights.ts";
import { type ActivationRounding, roundActivation } from "./activation-rounding.ts";
import { type AttentionRounding, roundOperand, roundSoftmax } from "./attention-rounding.ts";
import { type HeadLayout, imagesOfBatch, oneImage } from "./head-layout.ts";
import { type IntegerActivation, type IntegerLinear, integerLinear } from "./integer-linear.ts";
import { activation, layerNorm, linear, tensorRange, tokenRange } from "./layers.ts";
import { GraphBuilder, type OnnxModel } from "./onnx.ts";
import { shiftNeurons } from "./shift-neurons.ts";

/**
 * One pre-LN transformer block with RegCache's prefix slot, its instruments, and optionally quantized linears,
 * simulated or in integers:
 *
 *   [q, k, v] = W_qkv LN1(x)           K = [k_prefix; k]    V = [v_prefix; v]
 *   x' = x + W_proj softmax(q K^T / sqrt(d) + bias) V
 *   y  = x' + W_fc2 gelu(W_fc1 LN2(x'))          SwiGLU: x' + W_fc2 (silu(g) * u), [g, u] = W_fc1 LN2(x')
 *
 * The prefix has R slots, one a distinct register, as many as are fed: with none of them this is ordinary attention. tau copies of a
 * register equal one key with + ln(tau) on its logit, so `bias` serves every real tau, and a very negative bias closes a slot
 * exactly: the weight underflows to 0. Closed slots keep the shape, which spares WebGPU a recompilation.
 *
 * inputs   x [T, D]; prefix_key [H, d, R]; prefix_value [H, R, d]; prefix_bias [R]; query_share [1, H T], every
 *          entry 1 / (H T); with quantization also the ranges (activation-rounding.ts, integer-linear.ts); with
 *          `shiftsNeurons` also register_neurons [1, mlpWidth]
 * outputs  y [T, D]; qkv [T, 3D]; inputs [T, 5]: L-inf of the qkv, proj, fc1 and fc2 inputs, and the
 *          attention that the token gives to the prefix, over its slots; attention [1, R + T]: what each key receives;
 *          with `exposesInputs` also qkv_input, proj_input, fc1_input [T, D], fc2_input [T, mlpWidth] and
 *          softmax_output [H, T, R + T]
 *          lean (`instruments: false`): y alone, the same to the last bit, and no query_share
 *
 * `batched`: x [B, T, D], B images that attend each to itself while every activation range is over all of them; lean, y [B T, D]
 */
export interface BlockGraphOptions {
  /** Null = an FP block. */
  readonly quantize: BlockQuantization | null;
  /** Whether it measures what it computes (default), or is lean. */
  readonly instruments?: boolean;
  /** Also hands out what the linears read, for calibration. */
  readonly exposesInputs?: boolean;
  /** The last row is a test-time register: it takes over the activations of the neurons that are fed. */
  readonly shiftsNeurons?: boolean;
  /** Several images at once, for ranges per batch; they must be lean. */
  readonly batched?: boolean;
}

/** Linears that are quantized, and how. Simulated: the block's weights are rounded already. */
export type BlockQuantization =
  | {
      readonly arithmetic: "simulated";
      readonly linears: readonly LinearName[];
      readonly activations: ActivationRounding;
      /** Null = the attention matmuls stay FP. */
      readonly attention: AttentionRounding | null;
    }
  | {
      readonly arithmetic: "int8";
      readonly linears: Readonly<Partial<Record<LinearName, IntegerLinear>>>;
      readonly activations: IntegerActivation;
    };

/** Order of the columns of the block's `inputs` output. */
export const INPUT_COLUMNS = ["qkv", "proj", "fc1", "fc2", "toPrefix"] as const;

/** Output that hands out what a linear reads. */
export const exposedInput = (name: LinearName): string => `${name}_input`;

/** Output that hands out the softmax output, [H, T, 1 + T]. */
export const EXPOSED_SOFTMAX = "softmax_output";

/** Closes the prefix slot: exp of it is 0 in fp32, and unlike -Infinity it is safe in WGSL. */
export const CLOSED_SLOT_BIAS = -1e9;

/** Most distinct registers of a prefix; slots of the fixed shape that serves all of several. */
export const REGISTER_SLOTS = 4;

/** Builds the ONNX model of one block. */
export function buildBlock(spec: EncoderSpec, weights: BlockWeights, options: BlockGraphOptions): OnnxModel {
  const g = new GraphBuilder("block");
  const { width: D, heads: H } = spec;
  const d = D / H;
  const { quantize, batched = false } = options;
  const instruments = options.instruments ?? !batched;
  const input = g.input("x", batched ? ["B", "T", D] : ["T", D]);
  const x = batched ? g.node("Flatten", [input], { axis: 2 }) : input; // [N, D]
  const perHead = { heads: H, perHead: d };
  const layout = batched ? imagesOfBatch(g, input, perHead) : oneImage(g, perHead);
  const prefixKey = g.input("prefix_key", [H, d, "R"]);
  const prefixValue = g.input("prefix_value", [H, "R", d]);
  const bias = g.input("prefix_bias", ["R"]);

  const maxima: string[] = [];
  const measured = (input: string, name: LinearName, layer: Linear) => {
    const range = instruments || needsTokens(quantize) ? tokenRange(g, input) : tensorRange(g, input);
    if (instruments) maxima.push(range().linf);
    if (options.exposesInputs) g.output(exposedInput(name), input, ["T", layer.in]);
    if (quantize?.arithmetic === "int8") {
      const integer = quantize.linears[name];
      if (integer) return integerLinear(g, input, name, integer, range, quantize.activations);
    } else if (quantize?.linears.includes(name)) {
      return linear(g, roundActivation(g, input, name, range, quantize.activations), name, layer);
    }
    return linear(g, input, name, layer);
  };

  // Attention
  const qkv = measured(layerNorm(g, x, weights.norm1, spec.layerNormEps), "qkv", weights.qkv);
  const slot = { key: prefixKey, value: prefixValue, bias };
  const rounding = quantize?.arithmetic === "simulated" ? quantize.attention : null;
  const attention = selfAttention(g, qkv, layout, d, slot, rounding);
  if (options.exposesInputs) g.output(EXPOSED_SOFTMAX, attention.weights, [H, "T", "S"]);
  const attended = scaled(g, measured(attention.mixed, "proj", weights.proj), weights.scale1);
  const middle = g.node("Add", [x, attended]);

  // MLP
  const hidden = measured(layerNorm(g, middle, weights.norm2, spec.layerNormEps), "fc1", weights.fc1);
  const activated = activation(g, hidden, spec.activation);
  const neurons = options.shiftsNeurons ? shiftNeurons(g, activated, spec) : activated;
  const mlp = scaled(g, measured(neurons, "fc2", weights.fc2), weights.scale2);
  const y = g.node("Add", [middle, mlp]);

  g.output("y", y, [batched ? "N" : "T", D]);
  if (!instruments) return g.build();

  // Instruments. Averages over heads and queries are a product with a constant row: far cheaper than ReduceMean
  // over leading axes.
  const slotWeights = g.node("Slice", [
    attention.weights,
    g.integers([0]),
    g.node("Shape", [bias]),
    g.integers([2]),
  ]);
  const toSlots = g.node("ReduceMean", [slotWeights], { axes: [0], keepdims: 0 }); // [T, R]
  const toPrefix = g.node("ReduceSum", [toSlots, g.integers([1])], { keepdims: 1 }); // [T, 1]
  const allQueries = g.node("Flatten", [attention.weights], { axis: 2 }); // [H T, R + T]
  g.output("qkv", qkv, ["T", 3 * D]);
  g.output("inputs", g.node("Concat", [...maxima, toPrefix], { axis: 1 }), ["T", INPUT_COLUMNS.length]);
  const queryShare = g.input("query_share", [1, "HT"]);
  g.output("attention", g.node("MatMul", [queryShare, allQueries]), [1, "S"]);
  return g.build();
}

/** Whether the ranges that are reduced inside the graph are each token's own, or leave tokens out. */
function needsTokens(quantize: BlockQuantization | null): boolean {
  if (quantize?.arithmetic !== "simulated") return false;
  const { granularity, excludes } = quantize.activations;
  return granularity === "per-token" || excludes !== null;
}

/** Multi-head self-attention over rows [N, 3D] with extra key and value slots before the tokens' own; G as the layout says. */
function selfAttention(
  g: GraphBuilder,
  qkv: string,
  layout: HeadLayout,
  d: number,
  slot: { key: string; value: string; bias: string },
  rounding: AttentionRounding | null,
): { mixed: string; weights: string } {
  const [q, k, v] = g.nodes("Split", [qkv], 3, { axis: 1 }) as [string, string, string]; // each [N, D]
  const rounded = (name: "q" | "k" | "v", parts: string[]) =>
    rounding ? roundOperand(g, parts, name, rounding) : parts;
  const [ownQuery] = rounded("q", [layout.rows(q)]);
  const query = g.node("Mul", [ownQuery!, g.constant(1 / Math.sqrt(d))]); // [G, T, d]
  const [slotKey, keys] = rounded("k", [layout.slots(slot.key), layout.columns(k)]); // [G, d, R], [G, d, T]
  // The slots' logits apart from the tokens': a bias added to all of [G, T, R + T] would cost a pass over it.
  const slotLogits = g.node("Add", [g.node("MatMul", [query, slotKey!]), slot.bias]); // [G, T, R]
  const tokenLogits = g.node("MatMul", [query, keys!]); // [G, T, T]
  const logits = g.node("Concat", [slotLogits, tokenLogits], { axis: 2 });
  const [slotValue, ownValues] = rounded("v", [layout.slots(slot.value), layout.rows(v)]);
  const values = g.node("Concat", [slotValue!, ownValues!], { axis: 1 }); // [G, R + T, d]
  const exact = g.node("Softmax", [logits], { axis: -1 }); // [G, T, R + T]
  const weights = rounding ? roundSoftmax(g, exact, rounding) : exact;
  return { mixed: layout.merge(g.node("MatMul", [weights, values])), weights };
}

/** LayerScale (2103.17239) where the encoder has it. */
function scaled(g: GraphBuilder, x: string, scale: Float32Array | null): string {
  return scale ? g.node("Mul", [x, g.weights("layer_scale", [scale.length], scale)]) : x;
}
