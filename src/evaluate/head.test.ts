import { expect, test } from "vitest";
import type { RunResult } from "../trace/layer-trace.ts";
import { FAKE_SPEC } from "./fake-engine.ts";
import { ownHead } from "./head.ts";

const run = (...logits: number[]): RunResult => ({
  feature: new Float32Array(2),
  logits: Float32Array.from(logits),
  deleted: new Int32Array(),
  computedFrom: 0,
  milliseconds: 0,
  cost: { milliseconds: 0, weightBytes: 0 },
});

test("classes that the config names are matched by name; an answer outside the set is none", () => {
  const spec = { ...FAKE_SPEC, classes: 3, classNames: ["cat", "dog", "eel"] };
  const head = ownHead(spec, ["eel", "cat"]);
  expect(head.classify(run(1, 0, 0))).toBe(1);
  expect(head.classify(run(0, 0, 1))).toBe(0);
  expect(head.classify(run(0, 1, 0))).toBe(-1);
  expect(head.describe).toContain("by name");
});

test("without names, equal counts are matched by order", () => {
  expect(ownHead({ ...FAKE_SPEC, classes: 2 }, ["a", "b"]).classify(run(0, 1))).toBe(1);
});

test("classes that do not correspond are refused", () => {
  const refused = (spec: object, classes: string[]) => () => ownHead({ ...FAKE_SPEC, ...spec }, classes);
  expect(refused({ classes: 0 }, ["a"])).toThrow(/a checkpoint without one/);
  expect(refused({ classes: 200 }, ["a", "b"])).toThrow(/the 200 classes.*got 2 classes/);
  expect(refused({ classes: 2, classNames: ["a", "b"] }, ["a", "c"])).toThrow(/1 others, e.g. "c"/);
});
