import { expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { fakeEngine, fakeSet } from "../evaluate/fake-engine.ts";
import type { ProbeChoice } from "../evaluate/fit-probe.ts";
import { engineRunner } from "../evaluate/image-runner.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { holdOut, splitSet } from "../evaluate/split.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import { curate } from "../regcache/curate.ts";
import { countingEngine, testInput } from "../regcache/test-engine.ts";
import { type OpenDataset, openDataset } from "./datasets.ts";
import { evaluateDataset, hasRegistersOf } from "./evaluation.ts";
import { fittedHead } from "./heads.ts";

const set = fakeSet(
  Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? ([9, i % 3, 0] as const) : ([i % 3, 9, 1] as const))),
);
const prepare = ({ data }: RgbaImage) => Float32Array.of(data[0]!, data[1]!);

function open(whole: LabelledSet): OpenDataset {
  const { name, classes, count } = whole;
  return {
    whole,
    info: { id: "set-1", name, classes, count, fingerprint: null },
    probeParts: async () => ({ ...splitSet(whole, 0), origin: "a fifth" }),
    withoutFifth: () => splitSet(whole, 0).test,
  };
}

test("a probe is fitted once, on images that are not evaluated", async () => {
  const { engine, log } = fakeEngine((pixels) => pixels);
  const dataset = open(set);
  const request = {
    configurations: [{ name: "fp32", intervention: NO_INTERVENTION }],
    dataset: "set-1",
    limit: 99,
    seed: 1,
    sparesProbe: false,
    sparesFifth: false,
    classEmbeddings: null,
  };
  const run = async (probe: ProbeChoice = { kind: "ncm" }) => {
    let last: EvaluationReport | null = null;
    const signal = new AbortController().signal;
    const stream = evaluateDataset(
      engine,
      [engineRunner(engine, prepare)],
      dataset,
      { ...request, probe },
      signal,
    );
    for await (last of stream);
    return last!;
  };
  const report = await run();
  expect(report).toMatchObject({ n: 16, total: 16, configurations: [{ correct: 16 }] });
  expect(report.head).toMatch(/^nearest class mean .*, fitted on 4 images of a fifth$/);
  const ids = log.map(({ id }) => id);
  expect(new Set(ids).size).toBe(20);
  await run();
  expect(log).toHaveLength(20 + 16);
  // Another probe is fitted on the features of the same run.
  const ridge = await run({ kind: "ridge" });
  expect(ridge.head).toMatch(/^ridge probe .*, fitted on 4 images of a fifth$/);
  const knn = await run({ kind: "knn", neighbours: 3 });
  expect(knn.head).toMatch(/^3 nearest neighbours .* of 4 images of a fifth$/);
  expect(log).toHaveLength(20 + 3 * 16);
});

test("a set whose classes are embedded is read zero-shot, whole; another one by a probe", async () => {
  const { engine } = fakeEngine((pixels) => pixels);
  const classEmbeddings = (classes: string[]) => ({
    classes,
    templates: ["a {}"],
    embeddings: Float32Array.of(0, 1, 1, 0),
    width: 2,
    scoring: "softmax" as const,
    scale: 1,
    bias: 0,
    truncated: 0,
  });
  const run = async (
    classes: string[],
    spares: { sparesProbe?: true; sparesFifth?: true } = {},
    dataset = open(set),
  ) => {
    const request = {
      configurations: [{ name: "fp32", intervention: NO_INTERVENTION }],
      dataset: "set-1",
      limit: 99,
      seed: 1,
      sparesProbe: false,
      sparesFifth: false,
      ...spares,
      probe: { kind: "ncm" } as const,
      classEmbeddings: classEmbeddings(classes),
    };
    const signal = new AbortController().signal;
    let last: EvaluationReport | null = null;
    const stream = evaluateDataset(engine, [engineRunner(engine, prepare)], dataset, request, signal);
    for await (last of stream);
    return last!;
  };
  const report = await run(["green", "red"]);
  expect(report).toMatchObject({ n: 20, configurations: [{ correct: 20 }] });
  expect(report.head).toBe("zero-shot over 2 classes, 1 template");
  // Images that a quantizer was calibrated on are not evaluated.
  expect(await run(["green", "red"], { sparesProbe: true })).toMatchObject({
    ...{ n: 16, head: report.head, dataset: "fake without the fifth of each class that was learnt from" },
  });
  expect(report.dataset).toBe("fake");
  expect((await run(["green", "blue"])).head).toMatch(/^nearest class mean/);
  // Nor are those that registers came from before the set was given a training set.
  const train = splitSet(set, 1).probe;
  const trained = { ...open(set), probeParts: async () => ({ probe: train, test: set, origin: "train" }) };
  for (const embedded of ["red", "blue"]) {
    const classes = ["green", embedded];
    expect(await run(classes, { sparesProbe: true }, trained)).toMatchObject({ n: 20, dataset: "fake" });
    expect(await run(classes, { sparesFifth: true }, trained)).toMatchObject({
      ...{ n: 16, dataset: "fake without the fifth of each class that was learnt from" },
    });
  }
});

test("a set of one image a class is learnt from, but no probe is fitted on it", async () => {
  const { engine, log } = fakeEngine((pixels) => pixels);
  const single = fakeSet([
    [9, 0, 0],
    [0, 9, 1],
  ]);
  const file = (path: string) => ({ path, file: new File(["x"], "x.png") });
  const files = { kind: "files", name: "photos", files: [file("red/1.png"), file("blue/1.png")] } as const;
  const opened = await openDataset({ images: { ...files, folders: ["red", "blue"] }, probe: null }, "set-1");
  const { probe, test: rest } = await opened.probeParts();
  expect([probe.count, rest.count, opened.withoutFifth().count]).toEqual([1, 1, 1]);

  const dataset = { ...open(single), probeParts: async () => ({ ...holdOut(single, 0), origin: "a fifth" }) };
  const runners = [engineRunner(engine, prepare)];
  for (const probe of [{ kind: "ncm" }, { kind: "knn" }] as const) {
    const options = { signal: new AbortController().signal, onProgress: () => {} };
    await expect(fittedHead(engine, runners, dataset, { probe }, options)).rejects.toThrow(
      /Class "red" of fake: expected at least two images.*Training images of a probe/,
    );
  }
  expect(log).toEqual([]);
});

test("a probe's images of which none can be read are told with the first reason", async () => {
  const { engine } = fakeEngine((pixels) => pixels);
  const broken = {
    ...set,
    image: async () => {
      throw new InputError("a.png", "an image", "text", "Choose another.");
    },
  };
  const options = { signal: new AbortController().signal, onProgress: () => {} };
  const runners = [engineRunner(engine, prepare)];
  await expect(
    fittedHead(engine, runners, open(broken), { probe: { kind: "ncm" } }, options),
  ).rejects.toThrow(/Training images of the probe: .*4 that cannot, e.g. a.png: expected an image, got text/);
});

test("registers from a data set's probe images are known by its fingerprint", async () => {
  const { engine } = await countingEngine(2);
  const images = [async () => testInput(0)];
  const curated = (probeOf?: string) =>
    curate(
      engine,
      images,
      { block: 0, top: probeOf ? 2 : 3 },
      { model: "ab".repeat(32), data: "d", probeOf },
    );
  const [own, others] = [await curated("cd12"), await curated()];
  for (const each of [own, others]) engine.addRegisters(each);
  const of = (fingerprint: string | null, change: Partial<Intervention>) =>
    hasRegistersOf(fingerprint, engine, { ...NO_INTERVENTION, ...change });
  const prefix = (registers: string) => ({ prefix: { registers, from: 0, to: 1, count: 1 } });
  expect(of("cd12", prefix(own.id))).toBe(true);
  expect(of("ef34", prefix(own.id))).toBe(false);
  expect(of(null, prefix(own.id))).toBe(false);
  expect(of("cd12", prefix(others.id))).toBe(false);
  const deletion = { block: 0, count: 1, by: "similarity", registers: own.id } as const;
  expect(of("cd12", { delete: deletion })).toBe(true);
  expect(of("cd12", {})).toBe(false);
  await engine.dispose();
});
