import { group } from "d3-array";
import { scaleLog } from "d3-scale";
import { deletionName } from "../intervention/deletion-text.ts";
import type { CellResult, SearchReport } from "../regcache/search.ts";
import { colourTable, TABLE_SIZE, type Theme } from "./colour-table.ts";

/** One row (a prefix) or column (a deletion) of the drawn grid. */
export interface GridLine {
  readonly key: string;
  readonly label: string;
}

/** A column, with what its own head says of it. */
export interface GridColumn extends GridLine {
  /** Block at whose input tokens are deleted; null = no deletion. */
  readonly block: number | null;
}

/** Columns start..end - 1, which have one head. */
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

/** Ends of the themes' tables that a grid uses: what lies beyond them is too near to a place without a colour. */
const LAST_LIGHT = 220;
const LAST_DARK = 96;

/**
 * Colours of a grid, the least error first. That end is the one farthest from the page: dark on a light page, bright on a
 * dark one, so that the best never looks like what was not evaluated.
 */
export function gridTable(theme: Theme): readonly string[] {
  const table = colourTable(theme);
  const [best, worst] = theme === "dark" ? [TABLE_SIZE - 1, LAST_DARK] : [0, LAST_LIGHT];
  return table.map((_, i) => table[Math.round(best + ((worst - best) * i) / (TABLE_SIZE - 1))]!);
}

/** A place of the grid, evaluated or not. */
export interface GridPlace {
  readonly row: number;
  readonly column: number;
}

/** Where a key moves a cursor on a grid of so many rows and columns; null = it is no such key. */
export function movedOnGrid(key: string, { row, column }: GridPlace, rows: number, columns: number) {
  const moves: Readonly<Record<string, GridPlace>> = {
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: column + 1 },
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: row + 1, column },
    Home: { row, column: 0 },
    End: { row, column: columns - 1 },
  };
  const to = moves[key];
  const within = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  return to ? { row: within(to.row, rows), column: within(to.column, columns) } : null;
}

/** A search laid out for drawing: rows are prefixes, columns are deletions, rule by rule. */
export interface SearchGridFigure {
  readonly rows: readonly GridLine[];
  readonly columns: readonly GridColumn[];
  /** Heads of the columns that one rule of deletion made. */
  readonly groups: readonly GridGroup[];
  /** Under them, heads by what a rule takes: a count of tokens, or a criterion's cutoff. */
  readonly strengths: readonly GridGroup[];
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
  const columns: GridColumn[] = [{ key: "none", label: "no deletion", block: null }];
  const strengths: GridGroup[] = [{ label: "0", start: 0, end: 1 }];
  const groups = grid.rules.map((rule): GridGroup => {
    const start = columns.length;
    for (const strength of rule.strengths) {
      const first = columns.length;
      for (const block of grid.deleteBlock) {
        const key = deletionName({ ...strength, block });
        columns.push({ key, label: key.replace("linf", "L∞"), block });
      }
      strengths.push({ label: strengthLabel(strength), start: first, end: columns.length });
    }
    return { label: ruleLabel(rule.strengths[0]!), start, end: columns.length };
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
  return { rows, columns, groups, strengths, cells: placed, domain: [low, high], hidden };
}

type Strength = SearchReport["grid"]["rules"][number]["strengths"][number];

/** What a rule takes at one strength: "8" tokens, or those above a cutoff. */
function strengthLabel(strength: Strength): string {
  if (strength.by !== "criterion") return String(strength.count);
  return strength.above === undefined ? "own" : `> ${strength.above}`;
}

function ruleLabel(strength: Strength): string {
  const tensor = strength.tensor === "post-ln" ? ", post-LN" : "";
  if (strength.by !== "criterion") return `${strength.by === "linf" ? "L∞" : strength.by}${tensor}`;
  const bound = strength.atMost === undefined ? "" : `, at most ${strength.atMost}`;
  return `${strength.criterion} cutoff${bound}${tensor}`;
}
