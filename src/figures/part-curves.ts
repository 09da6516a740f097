import { max } from "d3-array";
import { csvFormat } from "d3-dsv";
import type { LayerTrace } from "../trace/layer-trace.ts";
import type { MaskPart } from "../worker/api.ts";
import type { LayerPoint } from "./norm-lines.ts";
import { TENSORS, type Tensor } from "./tensors.ts";

/** The largest value over all tokens at every block; null where it has not been computed. */
export function maxCurve(traces: readonly (LayerTrace | undefined)[], tensor: Tensor): readonly LayerPoint[] {
  return Array.from(traces, (trace, block) => ({
    block,
    value: trace ? (max(tensor.read(trace)) ?? null) : null,
  }));
}

/** The maxima of every tensor as a table: one row per part and block, in full precision. */
export function partCurvesCsv(
  traces: Readonly<Record<MaskPart, readonly LayerTrace[]>>,
  context: Readonly<Record<string, string | number>>,
): string {
  const parts = Object.keys(traces) as MaskPart[];
  return csvFormat(
    parts.flatMap((part) =>
      traces[part].map((trace) => ({
        part,
        block: trace.block,
        ...Object.fromEntries(TENSORS.map((tensor) => [`${tensor.id}_max`, max(tensor.read(trace)) ?? ""])),
        ...context,
      })),
    ),
  );
}
