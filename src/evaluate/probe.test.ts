import { randomLcg, randomNormal } from "d3-random";
import { Matrix, solve } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import { type LabelledFeatures, nearestClassMean, ridgeProbe } from "./probe.ts";
import { fitStandardiser } from "./standardise.ts";

const run = (feature: Float32Array): RunResult => ({
  feature,
  logits: null,
  deleted: new Int32Array(),
  computedFrom: 0,
  milliseconds: 0,
  cost: { milliseconds: 0, weightBytes: 0 },
});

/** Three noisy clusters in 6 dimensions; one dimension is huge and says nothing. */
function clusters(perClass: number, seed: number): LabelledFeatures {
  const normal = randomNormal.source(randomLcg(seed))(0, 0.6);
  const labels = Array.from({ length: 3 * perClass }, (_, i) => i % 3);
  const features = labels.map((label) =>
    Float32Array.from({ length: 6 }, (_, d) => (d === 5 ? 1e4 * normal() : (d === label ? 2 : 0) + normal())),
  );
  return { features, labels, classes: 3 };
}

const train = clusters(40, 1);
const held = clusters(100, 2);
const accuracy = (head: { classify(run: RunResult): number }) =>
  held.features.filter((feature, i) => head.classify(run(feature)) === held.labels[i]).length / 300;

describe.each([
  ["nearest class mean", nearestClassMean],
  ["ridge", ridgeProbe],
] as const)("%s", (_, makeHead) => {
  test("separates clusters, untouched by a huge feature that says nothing", () => {
    expect(accuracy(makeHead(train))).toBeGreaterThan(0.93);
  });

  test("refuses a class without an image", () => {
    const gap = { ...train, classes: 4 };
    expect(() => makeHead(gap)).toThrow(InputError);
    expect(() => makeHead(gap)).toThrow(/none of class 3/);
    const names = ["a", "b", "c", "shoe"];
    expect(() => makeHead({ ...gap, names })).toThrow(/none of class "shoe"\. .*Training images of a probe/);
    const skipped = { count: 2, examples: ["a.png: expected an image"] };
    expect(() => makeHead({ ...gap, names, skipped })).toThrow(
      /class "shoe"; 2 could not be read, e.g. a.png: expected an image/,
    );
  });

  test("says why where none of the images could be read", () => {
    const none = { features: [], labels: [], classes: 3 };
    const skipped = { count: 9, examples: ["a.png: expected an image"] };
    expect(() => makeHead({ ...none, skipped })).toThrow(/9 that cannot, e.g. a.png: expected an image/);
  });
});

test("the ridge probe solves the normal equations", () => {
  // The same answer by another route: solve((X'X + lambda I) W = X'Y) on the training features.
  const lambda = 7;
  const standardiser = fitStandardiser(train.features);
  const x = new Matrix(train.features.map((feature) => standardiser.apply(feature)));
  const y = new Matrix(train.labels.map((label) => [0, 1, 2].map((c) => (c === label ? 1 : 0) - 1 / 3)));
  const gram = x.transpose().mmul(x).add(Matrix.eye(6).mul(lambda));
  const scores = x.mmul(solve(gram, x.transpose().mmul(y)));
  const expected = scores.to2DArray().map((row) => row.indexOf(Math.max(...row)));
  const head = ridgeProbe(train, lambda);
  expect(train.features.map((feature) => head.classify(run(feature)))).toEqual(expected);
  expect(head.describe).toContain("lambda 7.00 given");
});

test("the chosen lambda has the least leave-one-out error, counted the long way", () => {
  const small: LabelledFeatures = clusters(5, 3);
  const standardiser = fitStandardiser(small.features);
  const x = small.features.map((feature) => Array.from(standardiser.apply(feature)));
  const y = small.labels.map((label) => [0, 1, 2].map((c): number => (c === label ? 1 : 0)));
  /** Refits without row `left` (own means of X and Y: the unpenalised intercept) and predicts it. */
  const errorWithout = (left: number, lambda: number) => {
    const keep = x.map((_, i) => i).filter((i) => i !== left);
    const meanX = x[0]!.map((_, d) => keep.reduce((sum, i) => sum + x[i]![d]!, 0) / keep.length);
    const meanY = y[0]!.map((_, c) => keep.reduce((sum, i) => sum + y[i]![c]!, 0) / keep.length);
    const xs = new Matrix(keep.map((i) => x[i]!.map((value, d) => value - meanX[d]!)));
    const ys = new Matrix(keep.map((i) => y[i]!.map((value, c) => value - meanY[c]!)));
    const w = solve(xs.transpose().mmul(xs).add(Matrix.eye(6).mul(lambda)), xs.transpose().mmul(ys));
    const fit = new Matrix([x[left]!.map((value, d) => value - meanX[d]!)]).mmul(w).getRow(0);
    return y[left]!.reduce((sum, value, c) => sum + (value - fit[c]! - meanY[c]!) ** 2, 0);
  };
  const grid = Array.from({ length: 13 }, (_, i) => 10 ** (i / 2 - 1));
  const errors = grid.map((lambda) => x.reduce((sum, _, i) => sum + errorWithout(i, lambda), 0));
  const best = grid[errors.indexOf(Math.min(...errors))]!;
  expect(ridgeProbe(small).describe).toContain(`lambda ${best.toPrecision(3)} by leave-one-out`);
});
