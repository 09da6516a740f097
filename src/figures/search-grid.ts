import { group } from "d3-array";
import { scaleLog } from "d3-scale";
import { deletionName } from "../intervention/deletion-text.ts";
import type { CellResult, SearchReport } from "../regcache/search.ts";
import { TABLE_SIZE } from "./colour-table.ts";

/** One row (a prefix) or column (a deletion) of the drawn grid. */
export interface GridLine {
  readonly key: string;
  readonly label: string;
}

/** Columns start..end - 1, which one rule of deletion made. */
export interface GridGroup {
  readonly label: string;
  readonly start: number;
  readonly end: number;
}

/** A place of the drawn grid where something was evaluated. */
export interface GridCell {
  readonly row: number;
  readonly column: number;
  /** Index into a colour table: 0 = least error, 255 = the most that was seen. */
  readonly colour: number;
  /** Share of the images that it has seen, 0..1. */
  readonly seen: number;
  readonly isBest: boolean;
  /** Evaluated settings of this place, which differ in what the grid does not draw: last block and registers. */
  readonly settings: number;
  /** The best of them. */
  readonly result: CellResult;
}

/** A search laid out for drawing: rows are prefixes, columns are deletions, rule by rule. */
export interface SearchGridFigure {
  readonly rows: readonly GridLine[];
  readonly columns: readonly GridLine[];
  readonly groups: readonly GridGroup[];
  readonly cells: readonly GridCell[];
  /** Feature MSE at both ends of the colours. */
  readonly domain: readonly [low: number, high: number];
  /** Axes of the search that are not drawn: a place shows the best of its settings over them. */
  readonly hidden: readonly string[];
}

const prefixKey = (from: number | undefined, count: number) => (count === 0 ? "none" : `${from} x${count}`);

/** Lays a search out; colours are on a log scale over what has been evaluated so far. */
export function searchGridFigure({ grid, cells, images }: SearchReport): SearchGridFigure {
  const rows: GridLine[] = grid.count.flatMap((count) =>
    count === 0
      ? [{ key: prefixKey(undefined, 0), label: "no prefix" }]
      : grid.from.map((from) => ({ key: prefixKey(from, count), label: `from ${from} ×${count}` })),
  );
  const columns: GridLine[] = [{ key: "none", label: "no deletion" }];
  const groups = grid.rules.map(({ strengths }): GridGroup => {
    const start = columns.length;
    for (const strength of strengths) {
      for (const block of grid.deleteBlock) {
        const key = deletionName({ ...strength, block });
        columns.push({ key, label: key.replace("linf", "L∞") });
      }
    }
    return { label: ruleLabel(strengths[0]!), start, end: columns.length };
  });
  const errors = cells.map(({ mse }) => mse).filter((mse) => mse > 0);
  const low = errors.length > 0 ? Math.min(...errors) : 1;
  const high = Math.max(low * 1.01, ...errors);
  const colour = scaleLog()
    .domain([low, high])
    .rangeRound([0, TABLE_SIZE - 1])
    .clamp(true);
  const [rowOf, columnOf] = [rows, columns].map((lines) => new Map(lines.map(({ key }, i) => [key, i])));
  const placeOf = ({ setting: { prefix, delete: deletion } }: CellResult) => [
    prefixKey(prefix?.from, prefix?.count ?? 0),
    deletion ? deletionName(deletion) : "none",
  ];
  // Cells come best first, and so does every place's list.
  const places = [...group(cells, (cell) => placeOf(cell).join(", ")).values()];
  const placed = places.map((settings, i): GridCell => {
    const result = settings[0]!;
    const [row, column] = placeOf(result);
    return {
      row: rowOf!.get(row!)!,
      column: columnOf!.get(column!)!,
      colour: result.mse > 0 ? colour(result.mse) : 0,
      seen: result.n / images,
      isBest: i === 0,
      settings: settings.length,
      result,
    };
  });
  const hidden = [
    ...(grid.to.length > 1 ? ["last block"] : []),
    ...(grid.distinct.length > 1 ? ["registers"] : []),
  ];
  return { rows, columns, groups, cells: placed, domain: [low, high], hidden };
}

function ruleLabel(strength: SearchReport["grid"]["rules"][number]["strengths"][number]): string {
  const tensor = strength.tensor === "post-ln" ? ", post-LN" : "";
  if (strength.by !== "criterion") return `${strength.by === "linf" ? "L∞" : strength.by}${tensor}`;
  const bound = strength.atMost === undefined ? "" : `, at most ${strength.atMost}`;
  return `${strength.criterion} cutoff${bound}${tensor}`;
}
