import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import { denseMap, refill } from "../regcache/refill.ts";
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

/**
 * Cells of the patch overlay of one block, in reading order, [grid²].
 * @param refills gives deleted patches the mean of their neighbours' values (regcache/refill.ts) as a colour. That is the
 * mean of magnitudes; the magnitude of a mean vector, as a refilled dense map has it, is smaller or equal.
 */
export function patchCells(
  spec: Shape,
  trace: LayerTrace,
  tensor: Tensor,
  domain: Domain,
  refills = false,
): readonly PatchCell[] {
  const leading = leadingTokens(spec);
  const map = denseMap({ ...spec, width: 1 }, { x: tensor.read(trace), positions: trace.positions });
  const values = refills ? refill(map, spec.grid) : map.features;
  return Array.from(values, (value, i) => {
    const place = { token: leading + i, row: Math.floor(i / spec.grid), column: i % spec.grid };
    const mark = cellMark(value, domain);
    const isColoured = mark === "value" || mark === "above" || mark === "below";
    const colour = isColoured ? colourIndex(value, domain) : 0;
    if (!map.deleted[i]) return { ...place, mark, colour };
    return refills && isColoured
      ? { ...place, mark: "refilled", colour }
      : { ...place, mark: "deleted", colour: 0 };
  });
}
