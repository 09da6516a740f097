import { expect, test } from "vitest";
import {
  findSearch,
  forgetSearch,
  hasSearches,
  type SearchKey,
  type SearchStorage,
  saveSearch,
} from "./saved-searches.ts";

const key: SearchKey = {
  model: "ab",
  fingerprint: "cd",
  quantize: { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" },
  space: { rule: "any", tensor: "residual", criteria: [], atMost: [null], registers: [1] },
  objective: "mse",
  chooseOn: 16,
  seed: 1,
  head: "own",
};
const state = (padding = 0) =>
  JSON.stringify({
    format: "regscope-search",
    version: 1,
    subject: "s".repeat(padding),
    scores: { "no prefix, no deletion": { mse: [0.5], cosine: [0.9], right: [1] } },
  });
const progress = (evaluations: number, padding = 0) => ({
  sensitiveBlock: 3,
  evaluations,
  state: state(padding),
});

function storage(text: string | null = null) {
  const box = { text, damage: [] as string[] };
  const at: SearchStorage = {
    readStored: () => box.text,
    writeStored: (_, next) => {
      box.text = next;
    },
    onDamage: (what) => box.damage.push(what),
  };
  return { box, at };
}

test("a search is found again by what it is about, and only by that", () => {
  const { at, box } = storage();
  expect(saveSearch(at, key, progress(10))).toBe(true);
  expect(saveSearch(at, key, progress(20))).toBe(true);
  expect(findSearch(at, { ...key })).toEqual(progress(20));
  const others: Partial<SearchKey>[] = [
    { model: "xx" },
    { fingerprint: "xx" },
    { quantize: { ...key.quantize, activationBits: 6 } },
    { space: { ...key.space, rule: "linf" } },
    { space: { ...key.space, atMost: [8, null] } },
    { objective: "accuracy" },
    { chooseOn: 8 },
    { seed: 2 },
    { head: null },
    { head: { classes: ["cat"], templates: ["a {}"] } },
  ];
  for (const other of others) expect(findSearch(at, { ...key, ...other })).toBeNull();
  expect(hasSearches(at, "ab")).toBe(true);
  expect(hasSearches(at, "xx")).toBe(false);
  forgetSearch(at, key);
  expect(findSearch(at, key)).toBeNull();
  expect(hasSearches(at, "ab")).toBe(false);
  expect(box.damage).toEqual([]);
});

test("the newest few are kept, as many as there is room for; one too long stays as it was", () => {
  const { at, box } = storage();
  for (let seed = 0; seed < 6; seed++) saveSearch(at, { ...key, seed }, progress(seed + 1));
  expect(JSON.parse(box.text!)).toHaveLength(4);
  expect(findSearch(at, { ...key, seed: 1 })).toBeNull();
  expect(saveSearch(at, { ...key, seed: 6 }, progress(7, 1_500_000))).toBe(true);
  expect(findSearch(at, { ...key, seed: 5 })?.evaluations).toBe(6);
  expect(saveSearch(at, { ...key, seed: 7 }, progress(8, 1_500_000))).toBe(true);
  expect(JSON.parse(box.text!)).toHaveLength(1);
  expect(saveSearch(at, { ...key, seed: 7 }, progress(9, 2_500_000))).toBe(false);
  expect(findSearch(at, { ...key, seed: 7 })?.evaluations).toBe(8);
});

test.each(["", "{", "null", '{"a":1}'])("damaged storage %j is told once, and holds nothing", (text) => {
  const { at, box } = storage(text);
  expect(findSearch(at, key)).toBeNull();
  expect(box.damage).toHaveLength(1);
  expect(hasSearches(at, "ab")).toBe(false);
  expect(box.damage).toHaveLength(1);
  saveSearch(at, key, progress(3));
  expect(findSearch(at, key)?.evaluations).toBe(3);
});

test("a damaged search is told and dropped, the others stay", () => {
  const { at, box } = storage();
  saveSearch(at, key, progress(3));
  const [good] = JSON.parse(box.text!);
  const bad = { ...good, key: "other", progress: { ...good.progress, evaluations: -1 } };
  box.text = JSON.stringify([bad, good]);
  expect(findSearch(at, key)).toEqual(progress(3));
  expect(box.damage).toEqual([expect.stringContaining("evaluations")]);
  expect(JSON.parse(box.text)).toEqual([good]);
});

test.each([
  ["is cut off", (text: string) => text.slice(0, -5)],
  ["has a list of the wrong length", (text: string) => text.replace('"mse":[0.5]', '"mse":[0.5,0.5]')],
  ["holds what is no number", (text: string) => text.replace("0.9", '"0.9"')],
])("scores whose text %s are told and dropped, the others stay", (_, damage) => {
  const { at, box } = storage();
  saveSearch(at, { ...key, seed: 2 }, progress(5));
  saveSearch(at, key, { ...progress(3), state: damage(state()) });
  expect(findSearch(at, key)).toBeNull();
  expect(box.damage).toEqual([expect.stringMatching(/expected the state of a search/)]);
  expect(findSearch(at, { ...key, seed: 2 })).toEqual(progress(5));
  expect(JSON.parse(box.text!)).toHaveLength(1);
});
