import { expect, test } from "vitest";
import { fakeSet } from "./fake-engine.ts";
import { holdOut, requireSplittable, splitSet } from "./split.ts";

const rows = (counts: readonly [number, number]) =>
  fakeSet(counts.flatMap((count, label) => Array.from({ length: count }, (_, i) => [i, i, label] as const)));
const ids = (set: { count: number; id(i: number): string }) =>
  Array.from({ length: set.count }, (_, i) => set.id(i));

test("holds out a fifth of every class; the parts share no image and lose none", () => {
  const set = rows([10, 25]);
  const { probe, test: rest } = splitSet(set, 0);
  const labels = Array.from({ length: probe.count }, (_, i) => probe.label(i));
  expect([labels.filter((l) => l === 0).length, labels.filter((l) => l === 1).length]).toEqual([2, 5]);
  expect([...ids(probe), ...ids(rest)].sort()).toEqual(ids(set).sort());
});

test("equal seeds split equally, others differ; small classes give one image", () => {
  const set = rows([2, 40]);
  expect(ids(splitSet(set, 3).probe)).toEqual(ids(splitSet(set, 3).probe));
  expect(ids(splitSet(set, 3).probe)).not.toEqual(ids(splitSet(set, 4).probe));
  expect(splitSet(set, 3).probe.count).toBe(1 + 8);
});

test("a class of one image is refused by name", () => {
  expect(() => splitSet(rows([1, 5]), 0)).toThrow(/Class "red" of fake: expected at least two images/);
  // Names what there is to choose, in the page and on the command line.
  expect(() => requireSplittable(rows([1, 5]))).toThrow(/"Training images of a probe".*--train/);
});

test("what needs no labels is learnt from any set; where all classes have two images it is the same split", () => {
  const one = fakeSet(Array.from({ length: 2 }, (_, label) => [0, 0, label] as const));
  expect(holdOut(one, 0)).toMatchObject({ probe: { count: 1 }, test: { count: 1 } });
  const mixed = holdOut(rows([1, 10]), 0);
  expect([mixed.probe.count, mixed.test.count]).toEqual([2, 9]);
  expect([...ids(mixed.probe), ...ids(mixed.test)].sort()).toEqual(ids(rows([1, 10])).sort());
  expect(ids(holdOut(rows([10, 25]), 3).probe)).toEqual(ids(splitSet(rows([10, 25]), 3).probe));
});
