import { expect, test } from "vitest";
import type { EvaluationProgress } from "../evaluate/report.ts";
import {
  type EvaluationKey,
  findElsewhere,
  findSaved,
  forgetSaved,
  saveProgress,
} from "./saved-evaluations.ts";

const key: EvaluationKey = {
  model: "ab",
  fingerprint: "cd",
  configurations: [],
  seed: 1,
  limit: 100,
  head: { kind: "knn", neighbours: 20 },
};
const progress = (n: number): EvaluationProgress => ({
  n,
  total: 100,
  skipped: { count: 0, examples: [] },
  seed: 1,
  batch: 1,
  dataset: "set",
  head: "own head",
  configurations: [
    { name: "fp32", counts: { both: n, firstOnly: 0, secondOnly: 0, neither: 0, cosines: n } },
  ],
});

function storage(text: string | null = null) {
  const box = { text };
  return {
    box,
    readStored: () => box.text,
    writeStored: (_: string, next: string) => {
      box.text = next;
    },
  };
}

test("progress is found again by what was measured, and only by that", () => {
  const at = storage();
  saveProgress(at, key, progress(10));
  saveProgress(at, key, progress(20));
  expect(findSaved(at, { ...key })).toEqual({ progress: progress(20), limit: 100 });
  // The number of images need not be chosen again: it says how many it was to take.
  expect(findSaved(at, { ...key, limit: 50 })).toEqual({ progress: progress(20), limit: 100 });
  for (const other of [
    { ...key, model: "xx" },
    { ...key, fingerprint: "xx" },
    { ...key, seed: 2 },
    { ...key, head: { kind: "ridge" } as const },
    { ...key, head: { kind: "knn", neighbours: 5 } as const },
    { ...key, head: "own" as const },
    { ...key, head: { classes: ["cat"], templates: ["a {}"] } },
  ]) {
    expect(findSaved(at, other)).toBeNull();
  }
  forgetSaved(at, key);
  expect(findSaved(at, key)).toBeNull();
});

test("the newest few are kept", () => {
  const at = storage();
  for (let seed = 0; seed < 12; seed++) saveProgress(at, { ...key, seed }, progress(seed));
  expect(findSaved(at, { ...key, seed: 11 })?.progress.n).toBe(11);
  expect(findSaved(at, { ...key, seed: 0 })).toBeNull();
  expect(JSON.parse(at.box.text!)).toHaveLength(8);
});

test.each(["", "{", "[1]", '[{"key":"x","progress":{"n":-1}}]'])(
  "damaged storage %j holds nothing",
  (text) => {
    const at = storage(text);
    expect(findSaved(at, key)).toBeNull();
    saveProgress(at, key, progress(3));
    expect(findSaved(at, key)?.progress.n).toBe(3);
  },
);

test("what was interrupted on other images of the same encoder is found", () => {
  const at = storage();
  saveProgress(at, key, progress(10));
  saveProgress(at, { ...key, fingerprint: "ef" }, progress(30));
  expect(findElsewhere(at, { model: key.model, fingerprint: null })?.n).toBe(30);
  expect(findElsewhere(at, { model: key.model, fingerprint: "ef" })?.n).toBe(10);
  expect(findElsewhere(at, { model: "another", fingerprint: null })).toBeNull();
});
