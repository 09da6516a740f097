import { expect, test } from "vitest";
import {
  type ExperimentKey,
  type ExperimentStorage,
  findExperiment,
  forgetExperiment,
  hasExperiments,
  saveExperiment,
} from "./saved-searches.ts";

const key: ExperimentKey = {
  model: "ab",
  fingerprint: "cd",
  asked: {
    kind: "search",
    quantize: { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" },
    space: { rule: "any", tensor: "residual", criteria: [], atMost: [null], registers: [1] },
    objective: "mse",
    chooseOn: 16,
    seed: 1,
  },
  head: "own",
};
const withAsked = (change: Partial<ExperimentKey["asked"]>) => ({
  ...key,
  asked: { ...key.asked, ...change },
});
const scores = (evaluations: number) => ({
  mse: Array(evaluations).fill(0.5),
  cosine: Array(evaluations).fill(0.9),
  right: [],
});
const state = (evaluations = 1, padding = 0) =>
  JSON.stringify({
    format: "regscope-search",
    version: 2,
    subject: { encoder: "s".repeat(padding) },
    scores: { "no prefix, no deletion": scores(evaluations) },
  });
const progress = (evaluations: number, padding = 0) => ({
  subject: { encoder: "e" },
  parts: { search: state(evaluations, padding) },
});
const evaluation = (n: number) => ({
  ...{ n, total: 9, skipped: { count: 0, examples: [] }, seed: 1, batch: 1, dataset: "d", head: "h" },
  configurations: [],
});

function storage(text: string | null = null) {
  const box = { text, damage: [] as string[] };
  const at: ExperimentStorage = {
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
  expect(saveExperiment(at, key, progress(10))).toBe(true);
  expect(saveExperiment(at, key, progress(20))).toBe(true);
  expect(findExperiment(at, withAsked({}))).toEqual({
    progress: progress(20),
    offer: { stage: "search", done: 20 },
  });
  const { quantize, space } = key.asked;
  const others: ExperimentKey[] = [
    { ...key, model: "xx" },
    { ...key, fingerprint: "xx" },
    withAsked({ kind: "compare" }),
    withAsked({ quantize: { ...quantize!, activationBits: 6 } }),
    withAsked({ quantize: { ...quantize!, base: "repq-vit", calibration: "dataset" } }),
    withAsked({ space: { ...space!, rule: "linf" } }),
    withAsked({ space: { ...space!, atMost: [8, null] } }),
    withAsked({ objective: "accuracy" }),
    withAsked({ chooseOn: 8 }),
    withAsked({ seed: 2 }),
    { ...key, head: null },
    { ...key, head: { classes: ["cat"], templates: ["a {}"] } },
  ];
  for (const other of others) expect(findExperiment(at, other)).toBeNull();
  expect(hasExperiments(at, "ab")).toBe(true);
  expect(hasExperiments(at, "xx")).toBe(false);
  forgetExperiment(at, key);
  expect(findExperiment(at, key)).toBeNull();
  expect(hasExperiments(at, "ab")).toBe(false);
  expect(box.damage).toEqual([]);
});

test("the newest few are kept, as many as there is room for; one too long stays as it was", () => {
  const { at, box } = storage();
  for (let seed = 0; seed < 6; seed++) saveExperiment(at, withAsked({ seed }), progress(seed + 1));
  expect(JSON.parse(box.text!)).toHaveLength(4);
  expect(findExperiment(at, withAsked({ seed: 1 }))).toBeNull();
  expect(saveExperiment(at, withAsked({ seed: 6 }), progress(7, 1_500_000))).toBe(true);
  expect(findExperiment(at, withAsked({ seed: 5 }))?.offer.done).toBe(6);
  expect(saveExperiment(at, withAsked({ seed: 7 }), progress(8, 1_500_000))).toBe(true);
  expect(JSON.parse(box.text!)).toHaveLength(1);
  expect(saveExperiment(at, withAsked({ seed: 7 }), progress(9, 2_500_000))).toBe(false);
  expect(findExperiment(at, withAsked({ seed: 7 }))?.offer.done).toBe(8);
});

test.each(["", "{", "null", '{"a":1}'])("damaged storage %j is told once, and holds nothing", (text) => {
  const { at, box } = storage(text);
  expect(findExperiment(at, key)).toBeNull();
  expect(box.damage).toHaveLength(1);
  expect(hasExperiments(at, "ab")).toBe(false);
  expect(box.damage).toHaveLength(1);
  saveExperiment(at, key, progress(3));
  expect(findExperiment(at, key)?.offer.done).toBe(3);
});

test("a damaged search is told and dropped, the others stay", () => {
  const { at, box } = storage();
  saveExperiment(at, key, progress(3));
  const [good] = JSON.parse(box.text!);
  const bad = { ...good, key: "other", progress: { ...good.progress, parts: null } };
  box.text = JSON.stringify([bad, good]);
  expect(findExperiment(at, key)?.progress).toEqual(progress(3));
  expect(box.damage).toEqual([expect.stringContaining("parts")]);
  expect(JSON.parse(box.text)).toEqual([good]);
});

test.each([
  ["is cut off", (text: string) => text.slice(0, -5)],
  ["has a list of the wrong length", (text: string) => text.replace('"mse":[0.5]', '"mse":[0.5,0.5]')],
  ["holds what is no number", (text: string) => text.replace("0.9", '"0.9"')],
])("scores whose text %s are told and dropped, the others stay", (_, damage) => {
  const { at, box } = storage();
  saveExperiment(at, withAsked({ seed: 2 }), progress(5));
  saveExperiment(at, key, { subject: {}, parts: { search: damage(state()), evaluation: evaluation(2) } });
  expect(findExperiment(at, key)).toBeNull();
  expect(box.damage).toEqual([expect.stringMatching(/expected the state of a search/)]);
  expect(findExperiment(at, withAsked({ seed: 2 }))?.progress).toEqual(progress(5));
  expect(JSON.parse(box.text!)).toHaveLength(1);
});

test("how far a comparison was is told by its latest part that can be read", () => {
  const { at, box } = storage();
  const offered = (parts: Record<string, unknown>) => {
    saveExperiment(at, key, { subject: {}, parts });
    return findExperiment(at, key)?.offer;
  };
  const sensitivity = { n: 7, units: [] };
  expect(offered({ sensitivity })).toEqual({ stage: "sensitivity", done: 7 });
  expect(offered({ sensitivity, search: state(3) })).toEqual({ stage: "search", done: 3 });
  const searches = { "search, linf": state(3), "search, any": state(4) };
  expect(offered({ sensitivity, ...searches })).toEqual({ stage: "search", done: 4 });
  const all = { sensitivity, search: state(3), evaluation: evaluation(5) };
  expect(offered(all)).toEqual({ stage: "evaluation", done: 5 });
  expect(offered({ ...all, evaluation: { n: -5 } })).toEqual({ stage: "search", done: 3 });
  expect(offered({ clip: {} })).toBeUndefined();
  expect(JSON.parse(box.text!)).toEqual([]);
  expect(box.damage).toEqual([]);
});

test("what another version of the page kept is dropped without a word", () => {
  const { at, box } = storage();
  saveExperiment(at, key, progress(3));
  const [good] = JSON.parse(box.text!);
  const { version: _, ...first } = {
    ...good,
    progress: { sensitiveBlock: 1, evaluations: 4, state: state() },
  };
  box.text = JSON.stringify([first, { ...good, version: 99 }, good]);
  expect(findExperiment(at, key)?.progress).toEqual(progress(3));
  expect(JSON.parse(box.text!)).toEqual([good]);
  expect(box.damage).toEqual([]);
});
