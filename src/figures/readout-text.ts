import type { EncoderSpec } from "../encoder/spec.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import { formatMagnitude } from "./format.ts";
import { isDeleted, valueAt } from "./norm-lines.ts";
import { rowOf, type Tensor } from "./tensors.ts";
import { PREFIX_TOKEN } from "./token-layout.ts";

/** What a lane says about a token at a block, e.g. "525.3", "deleted", "not computed yet". */
export function describeValue(
  trace: LayerTrace | null,
  token: number,
  tensor: Tensor,
  spec: Pick<EncoderSpec, "tokens">,
): string {
  if (trace === null) return "not computed yet";
  if (token === PREFIX_TOKEN) {
    if (trace.prefixReceived === 0) return "no prefix in this block";
    if (!tensor.readPrefix) return "key and value only: no such tensor";
    return formatMagnitude(tensor.readPrefix(trace));
  }
  if (token >= spec.tokens) return "no such token";
  if (isDeleted(trace, token)) return "deleted";
  return formatMagnitude(valueAt(trace, token, tensor) ?? Number.NaN);
}

/** Channel of a token's largest |x| in the residual stream after the block; null where it has none. */
export function topChannel(trace: LayerTrace | null, token: number): number | null {
  const row = trace ? rowOf(trace, token) : -1;
  return row < 0 ? null : (trace?.residual.topChannel[row] ?? null);
}
