import { expect, test } from "vitest";
import { maxCurve, partCurvesCsv } from "./part-curves.ts";
import { tensorOf } from "./tensors.ts";
import { testTrace } from "./test-trace.ts";

test("a curve is the maximum over tokens, with gaps where nothing has been computed", () => {
  const traces = [testTrace(0, [1, 5, 2]), undefined, testTrace(2, [7, 3, 4])];
  expect(maxCurve(traces, tensorOf("residual"))).toEqual([
    { block: 0, value: 5 },
    { block: 1, value: null },
    { block: 2, value: 7 },
  ]);
});

test("the table has a row per part and block, with every tensor", () => {
  const traces = { original: [testTrace(0, [1, 5])], foreground: [testTrace(0, [9, 5])], background: [] };
  const [head, first, second, ...rest] = partCurvesCsv(traces, { model: "vit" }).split("\n");
  expect(head).toMatch(/^part,block,residual_max,fc2_max,.*,model$/);
  expect(first).toMatch(/^original,0,5,.*,vit$/);
  expect(second).toMatch(/^foreground,0,9,/);
  expect(rest).toEqual([]);
});
