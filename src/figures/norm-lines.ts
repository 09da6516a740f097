import type { LayerTrace } from "../trace/layer-trace.ts";
import { rowOf, type Tensor } from "./tensors.ts";
import { PREFIX_TOKEN } from "./token-layout.ts";

/** One point of a token's curve over blocks. */
export interface LayerPoint {
  readonly block: number;
  /** The token's value; null where it is deleted or has not been computed. */
  readonly value: number | null;
}

/** A token's value at one block; null when it is deleted there or the tensor does not exist for it. */
export function valueAt(trace: LayerTrace | null, token: number, tensor: Tensor): number | null {
  if (trace === null) return null;
  if (token === PREFIX_TOKEN) return tensor.readPrefix ? tensor.readPrefix(trace) : null;
  const row = rowOf(trace, token);
  return row < 0 ? null : tensor.read(trace)[row]!;
}

/** A token's values over the blocks of a lane. */
export function layerCurve(
  traces: readonly (LayerTrace | null)[],
  token: number,
  tensor: Tensor,
): readonly LayerPoint[] {
  return traces.map((trace, block) => ({ block, value: valueAt(trace, token, tensor) }));
}

/** Whether a token was alive at the embedding and is missing from a computed block. */
export function isDeleted(trace: LayerTrace | null, token: number): boolean {
  return trace !== null && token !== PREFIX_TOKEN && rowOf(trace, token) < 0;
}
