import type { LayerTrace } from "../trace/layer-trace.ts";
import { type CellMark, cellMark, colourIndex, type Domain } from "./log-scale.ts";
import type { Tensor } from "./tensors.ts";
import { PREFIX_TOKEN, type TokenLayout } from "./token-layout.ts";

/** One cell of the heat map, ready to paint. */
export interface Cell {
  readonly x: number;
  readonly width: number;
  readonly token: number;
  /**
   * `deleted`: the token is gone; `refilled`: it is gone, and the colour is its neighbours' mean; `prefix`: a prefix slot is present but this tensor has no value there;
   * `absent`: no prefix in this block.
   */
  readonly mark: CellMark | "deleted" | "refilled" | "prefix" | "absent";
  /** Index into the colour table, for `value`, `below`, `above` and `refilled`. */
  readonly colour: number;
}

/**
 * Cells of one block.
 * @param prefixed whether the run has a prefix in this block
 */
export function heatmapRow(
  trace: LayerTrace,
  tensor: Tensor,
  layout: TokenLayout,
  domain: Domain,
  prefixed: boolean,
): readonly Cell[] {
  const values = tensor.read(trace);
  let row = 0;
  return layout.columns.map(({ token, x, width }) => {
    if (token === PREFIX_TOKEN) {
      if (!prefixed) return { x, width, token, mark: "absent", colour: 0 };
      if (!tensor.readPrefix) return { x, width, token, mark: "prefix", colour: 0 };
      return valueCell(x, width, token, tensor.readPrefix(trace), domain);
    }
    // Columns and positions are both ascending, so one pass over the rows serves all columns.
    if (trace.positions[row] !== token) return { x, width, token, mark: "deleted", colour: 0 };
    return valueCell(x, width, token, values[row++]!, domain);
  });
}

function valueCell(x: number, width: number, token: number, value: number, domain: Domain): Cell {
  const mark = cellMark(value, domain);
  const coloured = mark === "value" || mark === "below" || mark === "above";
  return { x, width, token, mark, colour: coloured ? colourIndex(value, domain) : 0 };
}
