import type { LayerTrace } from "../trace/layer-trace.ts";
import type { Domain } from "./log-scale.ts";

/** A measured tensor that the figures can show, one number per surviving token and block. */
export interface Tensor {
  readonly id: TensorId;
  /** Where and how the number was read, in full; printed on every figure that shows it. */
  readonly label: string;
  /** For a tight place. */
  readonly short: string;
  /** Domain before a model has pinned its own. */
  readonly domain: Domain;
  /** Values of the rows of a trace, [T]. */
  readonly read: (trace: LayerTrace) => Float32Array;
  /** Value of the prefix slot; null = the tensor has none (the prefix has no residual stream). */
  readonly readPrefix: ((trace: LayerTrace) => number) | null;
}

export const TENSOR_IDS = [
  "residual",
  "residual-l2",
  "fc2",
  "fc1",
  "qkv",
  "proj",
  "attention",
  "attention-to-prefix",
] as const;
export type TensorId = (typeof TENSOR_IDS)[number];

const magnitude: Domain = { low: 0.1, high: 1000 };
const share: Domain = { low: 1e-4, high: 1 };

/** All tensors, in the order of the menu: the residual stream (paper v1) and FC2's input (paper v4) first. */
export const TENSORS: readonly Tensor[] = [
  {
    id: "residual",
    label: "Residual stream after the block, L∞ over channels",
    short: "residual L∞",
    domain: magnitude,
    read: (trace) => trace.residual.linf,
    readPrefix: null,
  },
  {
    id: "fc2",
    label: "FC2 input (after GELU), L∞ over channels",
    short: "FC2 input L∞",
    domain: magnitude,
    read: (trace) => trace.inputs.fc2,
    readPrefix: null,
  },
  {
    id: "fc1",
    label: "FC1 input (after LayerNorm 2), L∞ over channels",
    short: "FC1 input L∞",
    domain: magnitude,
    read: (trace) => trace.inputs.fc1,
    readPrefix: null,
  },
  {
    id: "qkv",
    label: "QKV input (after LayerNorm 1), L∞ over channels",
    short: "QKV input L∞",
    domain: magnitude,
    read: (trace) => trace.inputs.qkv,
    readPrefix: null,
  },
  {
    id: "proj",
    label: "Attention output projection's input, L∞ over channels",
    short: "proj input L∞",
    domain: magnitude,
    read: (trace) => trace.inputs.proj,
    readPrefix: null,
  },
  {
    id: "residual-l2",
    label: "Residual stream after the block, L2 norm",
    short: "residual L2",
    domain: magnitude,
    read: (trace) => trace.residual.l2,
    readPrefix: null,
  },
  {
    id: "attention",
    label: "Attention received, mean over heads and queries",
    short: "attention received",
    domain: share,
    read: (trace) => trace.attentionReceived,
    readPrefix: (trace) => trace.prefixReceived,
  },
  {
    id: "attention-to-prefix",
    label: "Attention given to the prefix, mean over heads",
    short: "attention to prefix",
    domain: share,
    read: (trace) => trace.attentionToPrefix,
    readPrefix: null,
  },
];

/** The tensor of an id. */
export function tensorOf(id: TensorId): Tensor {
  return TENSORS.find((tensor) => tensor.id === id)!;
}

/** Row of a token in a trace; -1 when it was deleted. Positions are ascending, so this is a binary search. */
export function rowOf(trace: LayerTrace, token: number): number {
  let low = 0;
  let high = trace.positions.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const position = trace.positions[middle]!;
    if (position === token) return middle;
    if (position < token) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
