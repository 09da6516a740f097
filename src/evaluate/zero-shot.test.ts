import { expect, test } from "vitest";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import { softmax, zeroShotHead, zeroShotHeadOfFolders, zeroShotProbabilities } from "./zero-shot.ts";

const embeddings: ClassEmbeddings = {
  classes: ["cat", "dog", "eel"],
  templates: ["a {}"],
  embeddings: Float32Array.of(1, 0, 0, 1, -1, 0),
  width: 2,
  scoring: "softmax",
  scale: 2,
  bias: 0,
  truncated: 0,
};
const run = (...feature: number[]) => ({
  feature: Float32Array.from(feature),
  logits: null,
  deleted: new Int32Array(),
  computedFrom: 0,
  milliseconds: 0,
  cost: { milliseconds: 0, weightBytes: 0 },
});

test("softmax of scaled cosines, whatever the feature's length", () => {
  const expected = softmax([2 * 0.6, 2 * 0.8, 2 * -0.6]);
  const got = zeroShotProbabilities(Float32Array.of(30, 40), embeddings);
  got.forEach((value, c) => {
    expect(value).toBeCloseTo(expected[c]!, 6);
  });
  expect(got.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
});

test("sigmoid scores each class alone", () => {
  const sigmoid = { ...embeddings, scoring: "sigmoid", bias: -1 } as const;
  const got = zeroShotProbabilities(Float32Array.of(0, 5), sigmoid);
  expect(got[0]).toBeCloseTo(1 / (1 + Math.exp(1)), 6);
  expect(got[1]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
});

test("the head answers in the set's classes; others are none of them", () => {
  const head = zeroShotHead(embeddings, ["eel", "cat"]);
  expect(head.classify(run(1, 0))).toBe(1);
  expect(head.classify(run(-1, 0))).toBe(0);
  expect(head.classify(run(0, 1))).toBe(-1);
  expect(head.describe).toBe("zero-shot over 3 classes, 1 template");
  expect(() => zeroShotHead(embeddings, ["cow"])).toThrow(/no class "cow"/);
});

test("class folders are found by name, with underscores or as Imagenette names them", () => {
  const named = { ...embeddings, classes: ["gas pump", "tench", "cat"] };
  expect(zeroShotHeadOfFolders(named, ["gas_pump", "n01440764"])?.classify(run(0, 1))).toBe(1);
  expect(zeroShotHeadOfFolders(named, ["gas_pump", "dog"])).toBeNull();
});

test("a feature of another width is refused", () => {
  expect(() => zeroShotProbabilities(Float32Array.of(1, 2, 3), embeddings)).toThrow(
    /class embeddings, 2, got 3/,
  );
});

test("softmax of large logits stays finite", () => {
  expect([...softmax([1000, 1000])]).toEqual([0.5, 0.5]);
});
