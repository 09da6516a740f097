import { expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import { evaluate, evaluateWith } from "./evaluate.ts";
import { fakeEngine, fakeSet } from "./fake-engine.ts";
import type { Head } from "./head.ts";
import { engineRunner, type ImageRunner } from "./image-runner.ts";
import { seededOrder } from "./order.ts";
import type { Configuration, EvaluationReport } from "./report.ts";

const prepare = (image: RgbaImage) => Float32Array.of(image.data[0]!, image.data[1]!);
const head: Head = { describe: "larger", classify: ({ feature }) => (feature[0]! > feature[1]! ? 0 : 1) };
const perBatch = (batch: number, change: Partial<Intervention> = {}): Configuration => ({
  name: `per batch of ${batch}`,
  intervention: {
    ...{ ...NO_INTERVENTION, ...change },
    quantize: {
      ...{ weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" },
      range: { kind: "dynamic-batch", batch },
    },
  },
});
const configurations: Configuration[] = [{ name: "fp32", intervention: NO_INTERVENTION }, perBatch(4)];
const set = fakeSet(Array.from({ length: 10 }, (_, i) => [i + 1, 5, i % 2] as const));
const SEED = 3;

/** A runner that keeps what it was asked for. */
function watched() {
  const { engine } = fakeEngine((pixels) => pixels);
  const inner = engineRunner(engine, prepare);
  const tasks: number[][] = [];
  const runner: ImageRunner = {
    run(of, images, ...rest) {
      tasks.push([...images]);
      return inner.run(of, images, ...rest);
    },
  };
  return { runner, tasks };
}

async function all(stream: AsyncIterable<EvaluationReport>): Promise<EvaluationReport[]> {
  const reports = [];
  for await (const report of stream) reports.push(report);
  return reports;
}

test("batches are consecutive images of the seed's order, the last one smaller, each reported whole", async () => {
  const { runner, tasks } = watched();
  const reports = await all(evaluateWith([runner], set, configurations, head, { seed: SEED }));
  const order = seededOrder(10, SEED);
  expect(tasks).toEqual([order.slice(0, 4), order.slice(4, 8), order.slice(8)]);
  expect(reports.map(({ n }) => n)).toEqual([4, 8, 10]);
  expect(reports.at(-1)).toMatchObject({ batch: 4, total: 10 });
});

test("an unreadable image leaves its batch smaller, and the others where they are", async () => {
  const order = seededOrder(10, SEED);
  const broken: LabelledSet = {
    ...set,
    image: async (i) => {
      if (i === order[5]) throw new InputError("x.png", "an image", "noise", "Remove it.");
      return set.image(i);
    },
  };
  const { engine, log } = fakeEngine((pixels) => pixels);
  const options = { prepare, seed: SEED };
  const reports = await all(evaluate(engine, broken, configurations, head, options));
  expect(reports.map(({ n }) => n)).toEqual([4, 7, 9]);
  const quantized = log.filter(({ intervention }) => intervention.quantize).map(({ id }) => id);
  expect(quantized).toEqual(order.filter((i) => i !== order[5]).map((i) => set.id(i)));
});

test("goes on after a whole batch only, and with the same size of batch", async () => {
  const run = (resume?: EvaluationReport, of = configurations) => {
    const { runner, tasks } = watched();
    return { tasks, reports: all(evaluateWith([runner], set, of, head, { seed: SEED, resume })) };
  };
  const [first, ...rest] = await run().reports;
  const continued = run(JSON.parse(JSON.stringify(first)));
  expect(await continued.reports).toEqual(rest);
  expect(continued.tasks.flat()).toEqual(seededOrder(10, SEED).slice(4));
  const other = [configurations[0]!, { ...perBatch(5), name: perBatch(4).name }];
  await expect(run(first, other).reports).rejects.toThrow(/Start it again/);
  const partly = { ...first!, n: 3, skipped: { count: 0, examples: [] } };
  await expect(run(partly).reports).rejects.toThrow(/Start it again/);
});

test("refuses sizes that differ, and what cannot run in batches, before any image", async () => {
  const { runner, tasks } = watched();
  const run = (...of: Configuration[]) =>
    all(evaluateWith([runner], set, [configurations[0]!, ...of], head, { seed: SEED }));
  await expect(run(perBatch(4), perBatch(8))).rejects.toThrow(/one size of batch, got 4 and 8/);
  const deletion = { block: 0, by: "criterion", criterion: "sun" } as const;
  await expect(run(perBatch(4, { delete: deletion }))).rejects.toThrow(/Delete by count/);
  expect(tasks).toEqual([]);
});
