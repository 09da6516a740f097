import type { LayerTrace } from "../trace/layer-trace.ts";

/** A trace for tests: the given residual L-inf at the given tokens, everything else plain. */
export function testTrace(
  block: number,
  linf: readonly number[],
  positions: readonly number[] = linf.map((_, i) => i),
  rest: Partial<LayerTrace> = {},
): LayerTrace {
  const values = Float32Array.from(linf);
  return {
    block,
    positions: Int32Array.from(positions),
    residual: { linf: values, l2: values, topChannel: new Int32Array(linf.length).fill(41) },
    inputs: { qkv: values, proj: values, fc1: values, fc2: values },
    attentionReceived: values.map(() => 1 / linf.length),
    attentionToPrefix: new Float32Array(linf.length),
    prefixReceived: 0,
    medianAbs: 0.5,
    kurtosis: 3,
    milliseconds: 1,
    ...rest,
  };
}
