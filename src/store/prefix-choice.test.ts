import { expect, test } from "vitest";
import { alternativesTo, chooseRegisters, idsFor } from "./prefix-choice.ts";

const entry = (id: string, kind: "outliers" | "random-sink" | "mean-token", curation: string) => {
  return { id, kind, curation, distinct: 1 };
};
const known = [
  entry("a", "outliers", "A"),
  entry("a-random", "random-sink", "A"),
  entry("b", "outliers", "B"),
  entry("b-mean", "mean-token", "B"),
  entry("c-random", "random-sink", "C"),
];
const choose = (registers: string | null, alternative: string | null) => {
  const chosen = chooseRegisters({ registers, alternative }, known);
  return [chosen.registers?.id ?? null, chosen.alternative?.id ?? null];
};

test.each([
  ["a", null, ["a", null]],
  ["a", "a-random", ["a", "a-random"]],
  ["b", "a-random", ["b", null]],
  ["b", "c-random", ["b", "c-random"]],
  ["b-mean", null, ["b", "b-mean"]],
  ["c-random", null, ["a", "c-random"]],
  ["gone", "gone too", ["a", null]],
  ["b", "a", ["b", null]],
])("%s with %s is used as %j", (registers, alternative, used) => {
  expect(choose(registers, alternative)).toEqual(used);
});

test("offered are those of the same curation, and what is in use", () => {
  const of = (id: string) => known.find((each) => each.id === id)!;
  const offered = (registers: string, alternative: string | null) =>
    alternativesTo(
      { registers: of(registers), alternative: (alternative && of(alternative)) || null },
      known,
    ).map(({ id }) => id);
  expect(offered("a", null)).toEqual(["a-random"]);
  expect(offered("a", "a-random")).toEqual(["a-random"]);
  expect(offered("b", "c-random")).toEqual(["b-mean", "c-random"]);
});

test("what was just opened is used with its own registers, else with those in use", () => {
  expect(idsFor(known[0]!, "b", known)).toEqual({ registers: "a", alternative: null });
  expect(idsFor(known[3]!, "a", known)).toEqual({ registers: "b", alternative: "b-mean" });
  expect(idsFor(known[4]!, "b", known)).toEqual({ registers: "b", alternative: "c-random" });
});
