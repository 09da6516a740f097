import { expect, test } from "vitest";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { fakeEngine, fakeSet } from "../evaluate/fake-engine.ts";
import type { ProbeChoice } from "../evaluate/fit-probe.ts";
import { engineRunner } from "../evaluate/image-runner.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { splitSet } from "../evaluate/split.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { OpenDataset } from "./datasets.ts";
import { evaluateDataset } from "./evaluation.ts";

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
  const run = async (classes: string[], sparesProbe = false) => {
    const request = {
      configurations: [{ name: "fp32", intervention: NO_INTERVENTION }],
      dataset: "set-1",
      limit: 99,
      seed: 1,
      sparesProbe,
      probe: { kind: "ncm" } as const,
      classEmbeddings: classEmbeddings(classes),
    };
    const signal = new AbortController().signal;
    let last: EvaluationReport | null = null;
    const stream = evaluateDataset(engine, [engineRunner(engine, prepare)], open(set), request, signal);
    for await (last of stream);
    return last!;
  };
  const report = await run(["green", "red"]);
  expect(report).toMatchObject({ n: 20, configurations: [{ correct: 20 }] });
  expect(report.head).toBe("zero-shot over 2 classes, 1 template");
  // Images that a quantizer was calibrated on are not evaluated.
  expect(await run(["green", "red"], true)).toMatchObject({ n: 16, head: report.head });
  expect((await run(["green", "blue"])).head).toMatch(/^nearest class mean/);
});
