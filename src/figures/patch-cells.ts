import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import type { Cell } from "./heatmap-row.ts";
import { cellMark, colourIndex, type Domain } from "./log-scale.ts";
import type { Tensor } from "./tensors.ts";

type Shape = Pick<EncoderSpec, "hasCls" | "trainedRegisters" | "grid">;

/** One patch of the overlay. */
export interface PatchCell extends Pick<Cell, "mark" | "colour" | "token"> {
  readonly row: number;
  readonly column: number;
}

/** Cells of the patch overlay of one block, in reading order, [grid²]. */
export function patchCells(
  spec: Shape,
  trace: LayerTrace,
  tensor: Tensor,
  domain: Domain,
): readonly PatchCell[] {
  const leading = leadingTokens(spec);
  const values = tensor.read(trace);
  const byToken = new Map<number, number>();
  trace.positions.forEach((token, row) => {
    byToken.set(token, values[row]!);
  });
  return Array.from({ length: spec.grid ** 2 }, (_, i) => {
    const token = leading + i;
    const place = { token, row: Math.floor(i / spec.grid), column: i % spec.grid };
    const value = byToken.get(token);
    if (value === undefined) return { ...place, mark: "deleted", colour: 0 };
    const mark = cellMark(value, domain);
    const coloured = mark === "value" || mark === "above" || mark === "below";
    return { ...place, mark, colour: coloured ? colourIndex(value, domain) : 0 };
  });
}
