import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";

/** A finished run. */
export interface CollectedRun {
  readonly traces: readonly LayerTrace[];
  readonly result: RunResult;
}

/**
 * Largest difference between two numbers at the same place of `a` and `b`, relative to the largest magnitude in
 * `a`; Infinity when the lengths differ or a number is not finite.
 */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let scale = 0;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    scale = Math.max(scale, Math.abs(a[i]!));
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
  }
  if (!Number.isFinite(scale) || Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
  return scale === 0 ? difference : difference / scale;
}

/**
 * How far two runs of the same image differ: the largest {@link relativeDifference} over every traced array of
 * every block, the feature and the logits. Backends that agree stay below 1e-4.
 */
export function runDifference(reference: CollectedRun, other: CollectedRun): number {
  if (reference.traces.length !== other.traces.length) return Number.POSITIVE_INFINITY;
  const pairs = reference.traces.flatMap((trace, block) => {
    const ours = tracedArrays(trace);
    const theirs = tracedArrays(other.traces[block]!);
    return ours.map((array, i) => [array, theirs[i]!] as const);
  });
  pairs.push([reference.result.feature, other.result.feature]);
  pairs.push([reference.result.logits ?? [], other.result.logits ?? []]);
  return Math.max(...pairs.map(([a, b]) => relativeDifference(a, b)));
}

function tracedArrays(trace: LayerTrace): ArrayLike<number>[] {
  return [
    trace.positions,
    trace.residual.linf,
    trace.residual.l2,
    trace.inputs.qkv,
    trace.inputs.proj,
    trace.inputs.fc1,
    trace.inputs.fc2,
    trace.attentionReceived,
    trace.attentionToPrefix,
    [trace.medianAbs],
  ];
}
