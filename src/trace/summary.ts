import { ascending, max, quantileSorted } from "d3-array";
import type { LayerTrace } from "./layer-trace.ts";

/** Summary over tokens of a per-token L-inf, in the tensor's own units. */
export interface TokenSummary {
  readonly max: number;
  readonly p99: number;
  readonly median: number;
}

/** max, p99 and median over tokens of `linf` [T]; quantiles interpolate linearly (numpy's default). */
export function summarise(linf: Float32Array): TokenSummary {
  const sorted = Array.from(linf).sort(ascending);
  return {
    max: max(sorted) ?? 0,
    p99: quantileSorted(sorted, 0.99) ?? 0,
    median: quantileSorted(sorted, 0.5) ?? 0,
  };
}

/** Where the largest |x| of the residual stream after the block lies. */
export interface Peak {
  /** Original token index. */
  readonly token: number;
  readonly channel: number;
  readonly value: number;
}

/** Token and channel of the largest residual L-inf of a block. */
export function residualPeak(trace: LayerTrace): Peak {
  let row = 0;
  trace.residual.linf.forEach((value, i) => {
    if (value > trace.residual.linf[row]!) row = i;
  });
  return {
    token: trace.positions[row]!,
    channel: trace.residual.topChannel[row]!,
    value: trace.residual.linf[row]!,
  };
}
