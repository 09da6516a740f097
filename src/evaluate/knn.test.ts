import { expect, test } from "vitest";
import type { RunResult } from "../trace/layer-trace.ts";
import { nearestNeighbours } from "./knn.ts";

const run = (...feature: number[]): RunResult => ({
  feature: Float32Array.from(feature),
  logits: null,
  deleted: new Int32Array(),
  computedFrom: 0,
  milliseconds: 0,
  cost: { milliseconds: 0, weightBytes: 0 },
});
const data = (rows: [number, number, number][], classes = 2) => ({
  features: rows.map(([x, y]) => Float32Array.of(x, y)),
  labels: rows.map(([, , label]) => label),
  classes,
});

test("neighbours vote by cosine, whatever their length", () => {
  const head = nearestNeighbours(
    data([
      [100, 0, 0],
      [0, 1, 1],
    ]),
  );
  expect(head.classify(run(0.1, 0.01))).toBe(0);
  expect(head.classify(run(1, 50))).toBe(1);
  expect(head.describe).toBe("2 nearest neighbours (cosine, temperature 0.07) of 2 images");
});

test("a close neighbour outweighs several far ones, and only k count", () => {
  // exp(cos / 0.07): one at cosine 1 weighs as much as 60 at cosine 0.71.
  const far = Array.from({ length: 10 }, (): [number, number, number] => [1, 1, 1]);
  const rows = [[1, 0, 0] as [number, number, number], ...far];
  expect(nearestNeighbours(data(rows)).classify(run(1, 0))).toBe(0);
  const many = [...rows, ...far, ...far, ...far, ...far, ...far, ...far];
  expect(nearestNeighbours(data(many), 1000).classify(run(1, 0))).toBe(1);
  expect(nearestNeighbours(data(many)).classify(run(1, 0))).toBe(0);
});

test("without training images there is no head", () => {
  expect(() => nearestNeighbours(data([]))).toThrow(/at least one image, got none/);
  const skipped = { count: 3, examples: ["a.png: expected an image, got text."] };
  expect(() => nearestNeighbours({ ...data([]), skipped })).toThrow(/3 that cannot, e.g. a.png/);
});
