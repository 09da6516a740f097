import { expect, test } from "vitest";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import { deletionRules } from "../regcache/deletion-rules.ts";
import type { SearchReport } from "../regcache/search.ts";
import { settingGrid } from "../regcache/setting-grid.ts";
import { paletteOf } from "./palette.ts";
import { gridTable, movedOnGrid, searchGridFigure } from "./search-grid.ts";

/** Relative luminance of a #rrggbb colour (WCAG). */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

const cell = (from: number, mse: number, n: number) => ({
  setting: { prefix: { from, count: 4 }, delete: { block: 1, count: 2, by: "linf" as const } },
  n,
  mse,
  cosine: 0.9,
  top1: null,
});
const report: SearchReport = {
  objective: "mse",
  grid: settingGrid(1, deletionRules({ rule: "any" })),
  images: 8,
  data: "d",
  skipped: NONE_SKIPPED,
  stage: "s",
  settings: 1,
  evaluations: 1,
  exhaustive: 1,
  cells: [cell(0, 0.01, 8), cell(1, 1, 2), { ...cell(0, 0.1, 2), setting: { prefix: null, delete: null } }],
  best: null,
  done: false,
};

test("every setting has one place, coloured by its error on a log scale", () => {
  const { rows, columns, cells, domain } = searchGridFigure(report);
  expect(rows).toHaveLength(1 + 5 * 2);
  expect(columns).toHaveLength(1 + 6 * 2 * 2);
  expect(domain).toEqual([0.01, 1]);
  expect(cells.map(({ colour }) => colour)).toEqual([0, 255, 128]);
  expect(cells.map(({ isBest }) => isBest)).toEqual([true, false, false]);
  expect(cells[1]!.seen).toBe(0.25);
  expect(cells[2]).toMatchObject({ row: 0, column: 0 });
  expect(rows[cells[0]!.row]!.label).toBe("from 0 ×4");
  expect(columns[cells[0]!.column]!.label).toBe("2 at 1 by L∞");
});

test("what is not drawn is named, and a place shows the best of its settings", () => {
  const rules = deletionRules({ rule: "linf", tensor: "any", criteria: ["jiang", "sun"] });
  const grid = settingGrid(1, rules, { to: [2, null], distinct: [1, 2] });
  const ends = { ...cell(0, 0.02, 8), setting: { prefix: { from: 0, to: 2, count: 4, distinct: 2 } } };
  const goesOn = { ...ends, mse: 0.05, setting: { prefix: { from: 0, count: 4 } } };
  const cutoff = { block: 0, by: "criterion", criterion: "jiang", above: 300 } as const;
  const threshold = { ...cell(0, 0.1, 8), setting: { prefix: null, delete: cutoff } };
  const figure = searchGridFigure({ ...report, grid, cells: [ends, goesOn, threshold] });
  expect(figure.hidden).toEqual(["last block", "registers"]);
  expect(figure.cells).toHaveLength(2);
  expect(figure.cells[0]).toMatchObject({ settings: 2, isBest: true, column: 0, result: ends });
  expect(figure.groups.map(({ label, end, start }) => [label, end - start])).toEqual([
    ["L∞", 12],
    ["L∞, post-LN", 12],
    ["jiang cutoff", 10],
    ["jiang cutoff, post-LN", 10],
    ["sun cutoff", 2],
    ["sun cutoff, post-LN", 2],
  ]);
  expect(figure.columns).toHaveLength(1 + 48);
  expect(figure.groups[2]!.start).toBe(figure.cells[1]!.column);
});

test("a bound on a criterion's count is named, and has columns of its own", () => {
  const rules = deletionRules({ rule: "linf", criteria: ["sun"], atMost: [4, null] });
  const bounded = { block: 1, by: "criterion", criterion: "sun", atMost: 4 } as const;
  const { atMost: _, ...free } = bounded;
  const cells = [bounded, free].map((deletion) => ({
    ...cell(0, 0.1, 8),
    setting: { prefix: null, delete: deletion },
  }));
  const figure = searchGridFigure({ ...report, grid: settingGrid(1, rules), cells });
  expect(figure.groups.map(({ label }) => label)).toEqual(["L∞", "sun cutoff, at most 4", "sun cutoff"]);
  expect(figure.cells.map(({ column }) => figure.columns[column]!.label)).toEqual([
    "at most 4 at 1 by sun",
    "all at 1 by sun",
  ]);
});

test("columns have heads by rule, by tokens and by block", () => {
  const rules = deletionRules({ rule: "linf", criteria: ["jiang"] });
  const { columns, groups, strengths } = searchGridFigure({ ...report, grid: settingGrid(1, rules) });
  expect(columns.slice(0, 5).map(({ block }) => block)).toEqual([null, 0, 1, 0, 1]);
  expect(strengths.slice(0, 4)).toEqual([
    { label: "0", start: 0, end: 1 },
    { label: "1", start: 1, end: 3 },
    { label: "2", start: 3, end: 5 },
    { label: "4", start: 5, end: 7 },
  ]);
  expect(strengths.filter(({ start }) => start >= groups[1]!.start).map(({ label }) => label)).toEqual([
    ...["> 300", "> 150", "own", "> 37.5", "> 18.75"],
  ]);
});

test.each(["light", "dark"] as const)(
  "on a %s page the best stands out most, and nothing is lost",
  (theme) => {
    const empty = luminance(paletteOf(theme).empty) + 0.05;
    const contrasts = gridTable(theme).map((colour) => {
      const own = luminance(colour) + 0.05;
      return Math.max(own, empty) / Math.min(own, empty);
    });
    expect(contrasts[0]).toBeGreaterThan(7);
    for (let i = 8; i < contrasts.length; i += 8) expect(contrasts[i]!).toBeLessThan(contrasts[i - 8]!);
    expect(contrasts.at(-1)).toBeGreaterThan(1.3);
  },
);

test("arrow keys move a cursor within the grid; other keys do not", () => {
  const at = { row: 1, column: 0 };
  expect(movedOnGrid("ArrowDown", at, 2, 3)).toEqual(at);
  expect(movedOnGrid("ArrowUp", at, 2, 3)).toEqual({ row: 0, column: 0 });
  expect(movedOnGrid("ArrowLeft", at, 2, 3)).toEqual(at);
  expect(movedOnGrid("End", at, 2, 3)).toEqual({ row: 1, column: 2 });
  expect(movedOnGrid("a", at, 2, 3)).toBeNull();
});

test("nothing evaluated yet is an empty grid", () => {
  expect(searchGridFigure({ ...report, cells: [] }).cells).toEqual([]);
});
