import { scaleLog } from "d3-scale";
import { deletionName } from "../intervention/deletion-text.ts";
import type { CellResult, SearchReport } from "../regcache/search.ts";
import { TABLE_SIZE } from "./colour-table.ts";

/** One row (a prefix) or column (a deletion) of the drawn grid. */
export interface GridLine {
  readonly key: string;
  readonly label: string;
}

/** An evaluated setting in the drawn grid. */
export interface GridCell {
  readonly row: number;
  readonly column: number;
  /** Index into a colour table: 0 = least error, 255 = the most that was seen. */
  readonly colour: number;
  /** Share of the images that it has seen, 0..1. */
  readonly seen: number;
  readonly isBest: boolean;
  readonly result: CellResult;
}

/** A search laid out for drawing: rows are prefixes, columns are deletions. */
export interface SearchGridFigure {
  readonly rows: readonly GridLine[];
  readonly columns: readonly GridLine[];
  readonly cells: readonly GridCell[];
  /** Feature MSE at both ends of the colours. */
  readonly domain: readonly [low: number, high: number];
}

const prefixKey = (from: number | undefined, count: number) => (count === 0 ? "none" : `${from} x${count}`);

/** Lays a search out; colours are on a log scale over what has been evaluated so far. */
export function searchGridFigure({ grid, cells, images }: SearchReport): SearchGridFigure {
  const rows: GridLine[] = grid.count.flatMap((count) =>
    count === 0
      ? [{ key: prefixKey(undefined, 0), label: "no prefix" }]
      : grid.from.map((from) => ({ key: prefixKey(from, count), label: `from ${from} ×${count}` })),
  );
  const columns: GridLine[] = grid.deleteCount.flatMap((count) =>
    count === 0
      ? [{ key: "none", label: "no deletion" }]
      : grid.by.flatMap((by) =>
          grid.deleteBlock.map((block) => ({
            key: deletionName({ by, block, count }),
            label: `${count} at ${block} by ${by === "linf" ? "L∞" : by}`,
          })),
        ),
  );
  const errors = cells.map(({ mse }) => mse).filter((mse) => mse > 0);
  const low = errors.length > 0 ? Math.min(...errors) : 1;
  const high = Math.max(low * 1.01, ...errors);
  const colour = scaleLog()
    .domain([low, high])
    .rangeRound([0, TABLE_SIZE - 1])
    .clamp(true);
  const indexOf = (lines: readonly GridLine[], key: string) => lines.findIndex((line) => line.key === key);
  const placed = cells.map((result, i): GridCell => {
    const { prefix, delete: deletion } = result.setting;
    return {
      row: indexOf(rows, prefixKey(prefix?.from, prefix?.count ?? 0)),
      column: indexOf(columns, deletion ? deletionName(deletion) : "none"),
      colour: result.mse > 0 ? colour(result.mse) : 0,
      seen: result.n / images,
      isBest: i === 0,
      result,
    };
  });
  return { rows, columns, cells: placed, domain: [low, high] };
}
