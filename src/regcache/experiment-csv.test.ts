import { csvParse } from "d3-dsv";
import { expect, test } from "vitest";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import { deletionRules } from "./deletion-rules.ts";
import { searchCsv } from "./experiment-csv.ts";
import type { SearchReport } from "./search.ts";
import { settingGrid } from "./setting-grid.ts";

test("a search's table says of every setting what it was", () => {
  const scores = { n: 4, mse: 0.5, cosine: 0.9, top1: null };
  const report: SearchReport = {
    objective: "mse",
    grid: settingGrid(1, deletionRules({ rule: "any" })),
    images: 4,
    data: "d",
    skipped: NONE_SKIPPED,
    stage: "s",
    settings: 3,
    evaluations: 12,
    exhaustive: 12,
    cells: [
      {
        ...scores,
        setting: {
          prefix: { from: 1, to: 2, count: 4, distinct: 2 },
          delete: { block: 1, by: "criterion", criterion: "jiang", above: 150, tensor: "post-ln" },
        },
      },
      { ...scores, setting: { prefix: { from: 1, count: 8 }, delete: { block: 0, by: "linf", count: 6 } } },
      { ...scores, setting: { prefix: null, delete: null } },
    ],
    best: null,
    done: true,
  };
  const rows = csvParse(searchCsv(report)).map((row) => Object.values(row).slice(0, 10).join(" | "));
  expect(rows).toEqual([
    "1 | 2 | 4 | 2 | 1 |  | criterion | jiang | 150 | post-ln",
    "1 | last | 8 | 1 | 0 | 6 | linf |  |  | residual",
    " |  | 0 |  |  | 0 |  |  |  | ",
  ]);
});
