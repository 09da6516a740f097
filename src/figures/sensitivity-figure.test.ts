import { expect, test } from "vitest";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import { quantizationSchema } from "../intervention/intervention.ts";
import type { SensitivityReport } from "../regcache/sensitivity.ts";
import { sensitivityFigure } from "./sensitivity-figure.ts";

const accuracy = (correct: number) => ({
  correct,
  top1: correct / 10,
  interval: [0, 1] as const,
  difference: { value: 0, interval: [0, 0] as const },
});
const maxima = (max: number) => ({ max, meanMax: max });
const unit = (block: number, linear: "fc1" | "fc2", cosine: number) => ({
  ...{ block, linear, cosine, mse: 1 - cosine, accuracy: null },
});

const report: SensitivityReport = {
  n: 10,
  total: 10,
  skipped: NONE_SKIPPED,
  data: "d",
  quantize: quantizationSchema.parse({ weightBits: 8, activationBits: 8 }),
  by: "linear",
  head: null,
  fp32: null,
  units: [unit(0, "fc1", 0.99), unit(0, "fc2", 0.9), unit(1, "fc1", 1), unit(1, "fc2", 0.98)],
  blocks: [
    { block: 0, residual: maxima(400), fc2Input: maxima(6) },
    { block: 1, residual: maxima(900), fc2Input: maxima(0) },
  ],
  mostSensitive: { block: 0, linear: "fc2" },
};

test("units stand side by side in their block, and one log axis holds both maxima", () => {
  const { perBlock, places, mostLoss, residual, fc2Input, maxima, top1 } = sensitivityFigure(report);
  expect(perBlock).toBe(2);
  expect(places.map(({ block, index }) => [block, index])).toEqual([
    ...[
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ],
  ]);
  expect(mostLoss).toBeCloseTo(0.1);
  expect(residual.map(({ value }) => value)).toEqual([400, 900]);
  expect(fc2Input.map(({ value }) => value)).toEqual([6, 0]);
  expect(maxima).toEqual({ low: 3, high: 1000 });
  expect(top1).toBeNull();
});

test("the axis of top-1 holds every unit and FP32, and is never so short that noise fills it", () => {
  const read = (fp32: number, counts: readonly number[]) =>
    sensitivityFigure({
      ...report,
      fp32: { correct: fp32, top1: fp32 / 10 },
      units: report.units.map((each, i) => ({ ...each, accuracy: accuracy(counts[i]!) })),
    }).top1!;
  expect(read(9, [9, 2, 9, 8])).toEqual([0.2, 0.9]);
  const [low, high] = read(10, [10, 10, 10, 10]);
  expect(low).toBeCloseTo(0.9);
  expect(high).toBe(1);
});

test("nothing measured still has axes", () => {
  const none = {
    ...report,
    blocks: report.blocks.map((each) => ({ ...each, residual: maxima(0), fc2Input: maxima(0) })),
  };
  expect(sensitivityFigure(none).maxima).toEqual({ low: 1, high: 100 });
});
