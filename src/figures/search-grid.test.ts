import { expect, test } from "vitest";
import type { SearchReport } from "../regcache/search.ts";
import { settingGrid } from "../regcache/setting-grid.ts";
import { searchGridFigure } from "./search-grid.ts";

const cell = (from: number, mse: number, n: number) => ({
  setting: { prefix: { from, count: 4 }, delete: { block: 1, count: 2, by: "linf" as const } },
  n,
  mse,
  cosine: 0.9,
  top1: null,
});
const report: SearchReport = {
  objective: "mse",
  grid: settingGrid(1, ["linf", "similarity"]),
  images: 8,
  data: "d",
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

test("nothing evaluated yet is an empty grid", () => {
  expect(searchGridFigure({ ...report, cells: [] }).cells).toEqual([]);
});
