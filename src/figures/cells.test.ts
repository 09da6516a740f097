import { expect, test } from "vitest";
import { heatmapRow } from "./heatmap-row.ts";
import { patchCells } from "./patch-cells.ts";
import { tensorOf } from "./tensors.ts";
import { testTrace } from "./test-trace.ts";
import { layoutTokens } from "./token-layout.ts";

const spec = { hasCls: true, trainedRegisters: 0, grid: 2, tokens: 5 };
const domain = { low: 1, high: 100 };
const layout = layoutTokens(spec, 200);
/** CLS and patches 1 and 4 survive; tokens 2 and 3 are deleted. */
const trace = testTrace(3, [10, 500, 0], [0, 1, 4], { prefixReceived: 0.25 });

test("a heat map row marks deleted tokens, clamped and zero values, and the prefix slot", () => {
  const marks = heatmapRow(trace, tensorOf("residual"), layout, domain, true).map(({ mark }) => mark);
  expect(marks).toEqual(["prefix", "value", "above", "deleted", "deleted", "zero"]);
});

test("without a prefix its column is absent; for attention it has a colour", () => {
  expect(heatmapRow(trace, tensorOf("residual"), layout, domain, false)[0]?.mark).toBe("absent");
  const share = { low: 0.01, high: 1 };
  const cell = heatmapRow(trace, tensorOf("attention"), layout, share, true)[0];
  expect(cell).toMatchObject({ mark: "value", colour: Math.round((Math.log10(25) / 2) * 255) });
});

test("the overlay shows the same marks at grid positions", () => {
  const cells = patchCells(spec, trace, tensorOf("residual"), domain);
  expect(cells.map(({ token, row, column, mark }) => [token, row, column, mark])).toEqual([
    [1, 0, 0, "above"],
    [2, 0, 1, "deleted"],
    [3, 1, 0, "deleted"],
    [4, 1, 1, "zero"],
  ]);
});

test("refilled patches stay apart from values, and have the colour of their neighbours' mean", () => {
  const last = testTrace(3, [99, 4, 16], [0, 1, 4]);
  const cells = patchCells(spec, last, tensorOf("residual"), domain, true);
  expect(cells.map(({ mark }) => mark)).toEqual(["value", "refilled", "refilled", "value"]);
  expect(cells[1]!.colour).toBe(Math.round((Math.log10(10) / 2) * 255)); // (4 + 16) / 2; CLS is no neighbour
  const [, bare] = patchCells(spec, last, tensorOf("residual"), domain);
  expect(bare).toMatchObject({ mark: "deleted", colour: 0 });
});
