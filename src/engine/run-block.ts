import { concat } from "../encoder/linears.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { LINEARS } from "../encoder/weights.ts";
import { EXPOSED_SOFTMAX, exposedInput, INPUT_COLUMNS } from "../graph/block.ts";
import type { BlockPlan } from "../intervention/plan.ts";
import { measureRows, medianAbs } from "../measure/residual.ts";
import type { GridFeeds } from "../quantize/activation-grids.ts";
import type { BlockInputs } from "../quantize/statistics.ts";
import type { Tokens } from "../regcache/delete.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import { tokenRows } from "./register-row.ts";
import type { HostTensor } from "./runtime.ts";
import type { BlockVariant } from "./sessions.ts";
import { fixedSlots, slotFeeds } from "./slots.ts";

/** A backend gave something that no encoder computes: not-finite values, or zeros only (a lost device). */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

export interface BlockOutput {
  /** Residual stream after the block, [T, D]. */
  readonly y: Float32Array;
  /** [T, 3D]; empty unless asked for. */
  readonly qkv: Float32Array;
  /** Null unless asked for. */
  readonly inputs: BlockInputs | null;
  readonly trace: LayerTrace;
}

/** What the chain goes on with. */
export interface BlockResult {
  /** Residual stream after the block, [T, D]. */
  readonly x: Float32Array;
  /** Null where nothing was measured. */
  readonly trace: LayerTrace | null;
  readonly milliseconds: number;
}

/** Runs one block on surviving tokens for its output alone. */
export async function runUnmeasured(
  spec: EncoderSpec,
  variant: BlockVariant,
  block: number,
  tokens: Tokens,
  plan: BlockPlan,
): Promise<BlockResult> {
  const started = performance.now();
  const { y } = await variant.session.run(blockFeeds(spec, variant, block, tokens, plan), ["y"]);
  assertUsable([largest(y!.data)], block);
  return { x: y!.data, trace: null, milliseconds: performance.now() - started };
}

/** Runs one quantized block on several images of equally many tokens at once: every activation range is over all of them. */
export async function runBatched(
  spec: EncoderSpec,
  { session, grids, slots }: Pick<BlockVariant, "session" | "grids" | "slots">,
  block: number,
  images: readonly Tokens[],
  plan: BlockPlan,
): Promise<{ readonly images: readonly Float32Array[]; readonly milliseconds: number }> {
  const started = performance.now();
  const { length } = images[0]!.x;
  const dims = [images.length, length / spec.width, spec.width];
  const x = { data: concat(images.map((image) => image.x)), dims };
  const feeds = { x, ...prefixFeeds(spec, block, plan, slots), ...gridTensors(grids) };
  const { data } = (await session.run(feeds, ["y"])).y!;
  assertUsable([largest(data)], block);
  const of = images.map((_, i) => data.slice(i * length, (i + 1) * length));
  return { images: of, milliseconds: performance.now() - started };
}

/** Runs one block on surviving tokens and measures it; its session must have instruments. */
export async function runBlock(
  spec: EncoderSpec,
  variant: BlockVariant,
  block: number,
  tokens: Tokens,
  plan: BlockPlan,
  wants: { readonly qkv: boolean; readonly inputs: boolean },
): Promise<BlockOutput> {
  const started = performance.now();
  const count = tokens.positions.length;
  const { slots } = variant;
  const fetches = [
    ...["y", "inputs", "attention"],
    ...(wants.qkv || wants.inputs ? ["qkv"] : []),
    ...(wants.inputs ? [...LINEARS.map(exposedInput), EXPOSED_SOFTMAX] : []),
  ];
  const outputs = await variant.session.run(blockFeeds(spec, variant, block, tokens, plan), fetches);
  const y = outputs.y!.data;
  const ofTokens = tokenRows({ x: y, positions: tokens.positions }, spec.width);
  const { kurtosis, ...residual } = measureRows(ofTokens, spec.width);
  assertUsable(residual.linf, block);
  const inputs = outputs.inputs!.data;
  const column = (name: (typeof INPUT_COLUMNS)[number]) => {
    const index = INPUT_COLUMNS.indexOf(name);
    return Float32Array.from({ length: count }, (_, row) => inputs[row * INPUT_COLUMNS.length + index]!);
  };
  const attention = outputs.attention!.data;
  const trace: LayerTrace = {
    block,
    positions: tokens.positions,
    residual,
    inputs: { qkv: column("qkv"), proj: column("proj"), fc1: column("fc1"), fc2: column("fc2") },
    attentionReceived: attention.slice(slots, slots + count),
    attentionToPrefix: column("toPrefix"),
    prefixReceived: attention.subarray(0, slots).reduce((sum, share) => sum + share, 0),
    medianAbs: medianAbs(ofTokens),
    kurtosis,
    ...(y !== ofTokens && { testTimeRegister: registerTrace(spec, y, inputs, attention) }),
    milliseconds: performance.now() - started,
  };
  const qkv = outputs.qkv?.data ?? new Float32Array(0);
  const exposed = wants.inputs ? exposedBy(outputs, block, plan) : null;
  return { y, qkv, inputs: exposed, trace };
}

/** What is traced of a test-time register, the last row. */
function registerTrace(
  { width }: EncoderSpec,
  y: Float32Array,
  inputs: Float32Array,
  attention: Float32Array,
): NonNullable<LayerTrace["testTimeRegister"]> {
  const fc2 = INPUT_COLUMNS.indexOf("fc2");
  return {
    residualLinf: measureRows(y.slice(-width), width).linf[0]!,
    fc2Input: inputs.at(fc2 - INPUT_COLUMNS.length)!,
    attentionReceived: attention.at(-1)!,
  };
}

/** What a block that hands out its linears' inputs gave. */
function exposedBy(
  outputs: Readonly<Record<string, HostTensor>>,
  block: number,
  { prefix }: BlockPlan,
): BlockInputs {
  const inputs = LINEARS.map((name) => [name, outputs[exposedInput(name)]!.data]);
  return {
    ...(Object.fromEntries(inputs) as Record<(typeof LINEARS)[number], Float32Array>),
    attention: {
      qkv: outputs.qkv!.data,
      softmax: outputs[EXPOSED_SOFTMAX]!.data,
      prefix: prefix && {
        key: concat(prefix.registers.map(({ key }) => key[block]!)),
        value: concat(prefix.registers.map(({ value }) => value[block]!)),
      },
    },
  };
}

/** Scalars as [1], numbers a head as [H, 1, 1]. */
function gridTensors(grids: GridFeeds): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(grids).map(([name, value]) => {
      const data = typeof value === "number" ? Float32Array.of(value) : Float32Array.from(value);
      return [name, { data, dims: typeof value === "number" ? [1] : [data.length, 1, 1] }];
    }),
  );
}

function blockFeeds(
  spec: EncoderSpec,
  { grids, instruments, slots }: BlockVariant,
  block: number,
  tokens: Tokens,
  plan: BlockPlan,
): Record<string, HostTensor> {
  const { registerNeurons } = plan;
  const queries = (spec.heads * tokens.x.length) / spec.width;
  return {
    ...tokenFeeds(spec, block, tokens, plan, slots),
    ...(instruments && {
      query_share: { data: new Float32Array(queries).fill(1 / queries), dims: [1, queries] },
    }),
    ...gridTensors(grids),
    ...(registerNeurons.length > 0 && {
      register_neurons: { data: neuronMask(spec, registerNeurons), dims: [1, spec.mlpWidth] },
    }),
  };
}

/** Feeds of a block's backward pass: its tokens, and the gradient [T, D] at its output. */
export function gradientFeeds(
  spec: EncoderSpec,
  block: number,
  tokens: Tokens,
  plan: BlockPlan,
  dy: Float32Array,
): Record<string, HostTensor> {
  return {
    ...tokenFeeds(spec, block, tokens, plan, fixedSlots(plan)),
    dy: { data: dy, dims: [tokens.positions.length, spec.width] },
  };
}

/** The tokens and the prefix slots. */
function tokenFeeds(
  spec: EncoderSpec,
  block: number,
  tokens: Tokens,
  plan: BlockPlan,
  slots: number,
): Record<string, HostTensor> {
  const { width } = spec;
  return {
    x: { data: tokens.x, dims: [tokens.x.length / width, width] },
    ...prefixFeeds(spec, block, plan, slots),
  };
}

function prefixFeeds(
  { width, heads }: EncoderSpec,
  block: number,
  plan: BlockPlan,
  slots: number,
): Record<string, HostTensor> {
  return slotFeeds(plan.prefix, block, slots, { heads, perHead: width / heads });
}

/** [mlpWidth]: 1 for a register neuron, else 0. */
function neuronMask({ mlpWidth }: EncoderSpec, neurons: readonly number[]): Float32Array {
  const mask = new Float32Array(mlpWidth);
  for (const neuron of neurons) mask[neuron] = 1;
  return mask;
}

/** Largest |x|; NaN where there is one. */
function largest(x: Float32Array): number {
  let max = 0;
  for (let i = 0; i < x.length; i++) max = Math.max(max, Math.abs(x[i]!));
  return max;
}

/** @throws EngineError when the state after `block` cannot be right. */
function assertUsable(linf: Iterable<number>, block: number): void {
  let max = 0;
  for (const value of linf) {
    if (!Number.isFinite(value)) {
      throw new EngineError(
        `Block ${block}: expected finite activations, got ${value}. The checkpoint overflows in fp32, or the device was lost: reload the model, or use WASM.`,
      );
    }
    max = Math.max(max, value);
  }
  if (max === 0) {
    throw new EngineError(
      `Block ${block}: expected activations, got zeros only. The device may have been lost: reload the model, or use WASM.`,
    );
  }
}
