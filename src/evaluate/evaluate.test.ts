import { describe, expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import { evaluate, evaluateWith } from "./evaluate.ts";
import { fakeEngine, fakeSet } from "./fake-engine.ts";
import type { Head } from "./head.ts";
import { engineRunner, type ImageRunner } from "./image-runner.ts";
import { pairedDifference } from "./paired.ts";
import type { Configuration, EvaluationReport } from "./report.ts";
import { wilsonInterval } from "./wilson.ts";

const prepare = (image: { data: Uint8ClampedArray }) => Float32Array.of(image.data[0]!, image.data[1]!);
const head: Head = { describe: "larger", classify: ({ feature }) => (feature[0]! > feature[1]! ? 0 : 1) };
const quantize = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
const configurations: Configuration[] = [
  { name: "fp32", intervention: NO_INTERVENTION },
  { name: "naive-w8a8", intervention: { ...NO_INTERVENTION, quantize } },
];

// Quantization here erases red: right on green images only.
const setUp = () =>
  fakeEngine((pixels, { quantize }) => Float32Array.of(quantize ? 0 : pixels[0]!, pixels[1]!));
const set = fakeSet([
  [9, 1, 0],
  [8, 2, 0],
  [1, 9, 1],
  [6, 2, 1],
]);

async function all(stream: AsyncIterable<EvaluationReport>): Promise<EvaluationReport[]> {
  const reports = [];
  for await (const report of stream) reports.push(report);
  return reports;
}

test("reports after every image, and the last report adds up", async () => {
  const { engine } = setUp();
  const reports = await all(evaluate(engine, set, configurations, head, { prepare, seed: 0 }));
  expect(reports.map((report) => report.n)).toEqual([1, 2, 3, 4]);
  const last = reports.at(-1)!;
  expect(last).toMatchObject({ total: 4, seed: 0, dataset: "fake", head: "larger" });
  const [fp32, naive] = last.configurations;
  // FP32: right on images 0, 1, 2. Quantized: red erased, so every image reads "green": right on 2 and 3.
  expect(fp32).toMatchObject({ name: "fp32", correct: 3, top1: 0.75, meanCosine: 1 });
  expect(fp32!.difference).toEqual({ value: 0, interval: [0, 0] });
  expect(naive).toMatchObject({ correct: 2, top1: 0.5, interval: wilsonInterval(2, 4) });
  expect(naive!.difference).toEqual(pairedDifference({ both: 1, firstOnly: 1, secondOnly: 2, neither: 0 }));
  expect(naive!.difference.value).toBe(-0.25);
  const cosines = [1 / Math.hypot(9, 1), 2 / Math.hypot(8, 2), 9 / Math.hypot(1, 9), 2 / Math.hypot(6, 2)];
  expect(naive!.meanCosine).toBeCloseTo(cosines.reduce((a, b) => a + b) / 4, 12);
});

test("each image goes through all configurations, in the background, before the next", async () => {
  const { engine, log } = setUp();
  await all(evaluate(engine, set, configurations, head, { prepare, seed: 3, limit: 2 }));
  expect(log).toHaveLength(4);
  expect(log[0]!.id).toBe(log[1]!.id);
  expect(log[2]!.id).toBe(log[3]!.id);
  expect(log[0]!.id).not.toBe(log[2]!.id);
  expect(log.map((run) => run.intervention.quantize !== null)).toEqual([false, true, false, true]);
  expect(log.every((run) => run.options.priority === "background")).toBe(true);
});

test("a limit takes the start of the seed's order", async () => {
  const ids = async (limit: number) => {
    const { engine, log } = setUp();
    await all(evaluate(engine, set, configurations, head, { prepare, seed: 7, limit }));
    return log.filter((_, i) => i % 2 === 0).map((run) => run.id);
  };
  const [two, four] = [await ids(2), await ids(4)];
  expect(four.slice(0, 2)).toEqual(two);
  expect(new Set(four).size).toBe(4);
});

test("stops when cancelled", async () => {
  const { engine, log } = setUp();
  const controller = new AbortController();
  const stream = evaluate(engine, set, configurations, head, { prepare, seed: 0, signal: controller.signal });
  await stream.next();
  controller.abort();
  await expect(stream.next()).rejects.toBeInstanceOf(CancelledError);
  expect(log.length).toBeLessThan(2 * set.count);
});

test("refuses an empty set and a list without FP32 first", async () => {
  const { engine } = setUp();
  const run = (of: Configuration[], count = 4) =>
    all(evaluate(engine, { ...set, count }, of, head, { prepare, seed: 0 }));
  await expect(run(configurations, 0)).rejects.toThrow(/at least one image/);
  await expect(run(configurations.toReversed())).rejects.toThrow(/FP32\) first, got naive-w8a8/);
  await expect(run([])).rejects.toThrow(/FP32/);
});

describe("several runners", () => {
  const prepared = prepare as (image: RgbaImage) => Float32Array;
  /** A runner that answers late, by a schedule of its own. */
  const slow = (inner: ImageRunner, turns: (i: number) => number): ImageRunner => ({
    async run(of, images, interventions, signal) {
      for (let turn = turns(images[0]!); turn > 0; turn--)
        await new Promise((resolve) => setImmediate(resolve));
      return inner.run(of, images, interventions, signal);
    },
  });

  test("every report equals that of one runner, whoever finishes first", async () => {
    const rows = Array.from({ length: 40 }, (_, i) => [(i * 7) % 11, (i * 5) % 13, i % 2] as const);
    const large = fakeSet(rows);
    const one = await all(evaluate(setUp().engine, large, configurations, head, { prepare, seed: 4 }));
    const runners = [0, 3, 1].map((delay, r) =>
      slow(engineRunner(setUp().engine, prepared), (i) => ((i * 3 + r) % 4) + delay),
    );
    const many = await all(evaluateWith(runners, large, configurations, head, { seed: 4 }));
    expect(many).toEqual(one);
  });

  test("each has one image at a time", async () => {
    let busy = 0;
    let most = 0;
    const runner: ImageRunner = {
      async run() {
        most = Math.max(most, ++busy);
        await new Promise((resolve) => setImmediate(resolve));
        busy--;
        return [{ unreadable: "x" }];
      },
    };
    await expect(all(evaluateWith([runner], set, configurations, head, { seed: 0 }))).rejects.toThrow();
    expect(most).toBe(1);
  });

  test("the failure of one ends the evaluation", async () => {
    const failing: ImageRunner = {
      run: async (_, images) => {
        if (images.includes(2)) throw new Error("device lost");
        return engineRunner(setUp().engine, prepared).run(set, images, [NO_INTERVENTION, NO_INTERVENTION]);
      },
    };
    const run = all(evaluateWith([failing, failing], set, configurations, head, { seed: 0 }));
    await expect(run).rejects.toThrow("device lost");
  });
});

describe("an interrupted evaluation", () => {
  const large = fakeSet(
    Array.from({ length: 12 }, (_, i) => [((i * 7) % 11) + 1, ((i * 5) % 13) + 1, i % 2] as const),
  );
  const broken: LabelledSet = {
    ...large,
    image: async (i) => {
      if (i === 5) throw new InputError("5.png", "an image", "noise", "Remove it.");
      return large.image(i);
    },
  };
  const run = (resume?: EvaluationReport, seed = 2) => {
    const { engine, log } = setUp();
    return { log, reports: all(evaluate(engine, broken, configurations, head, { prepare, seed, resume })) };
  };

  test("goes on after any image, through storage, to the same end", async () => {
    const whole = await run().reports;
    for (const at of [1, 6, 10]) {
      const stored = JSON.parse(JSON.stringify(whole[at - 1])) as EvaluationReport;
      const { log, reports } = run(stored);
      const rest = await reports;
      expect(rest).toEqual(whole.slice(at));
      expect(new Set(log.map(({ id }) => id)).size).toBeLessThanOrEqual(12 - at);
    }
  });

  test("is refused when it is of another one, complete, or does not add up", async () => {
    const whole = await run().reports;
    const part = whole[3]!;
    const bad = { ...part, n: part.n + 1 };
    await expect(run(part, 3).reports).rejects.toThrow(/The evaluation to continue.*seed 3/);
    await expect(run(whole.at(-1)).reports).rejects.toThrow(/Start it again/);
    await expect(run(bad).reports).rejects.toThrow(/Start it again/);
  });
});

describe("unreadable images", () => {
  const broken = (...bad: number[]): LabelledSet => ({
    ...set,
    image: async (i) => {
      if (bad.includes(i)) throw new InputError(`${i}.png`, "an image", "noise", "Remove it.");
      return set.image(i);
    },
  });

  test("are left out of every count, counted and named", async () => {
    const { engine } = setUp();
    const last = (await all(evaluate(engine, broken(1), configurations, head, { prepare, seed: 0 }))).at(-1)!;
    expect(last).toMatchObject({
      n: 3,
      total: 4,
      skipped: { count: 1, examples: ["1.png: expected an image, got noise. Remove it."] },
    });
    expect(last.configurations[0]).toMatchObject({ correct: 2, top1: 2 / 3 });
  });

  test("refuse the set when there is nothing else", async () => {
    const { engine } = setUp();
    const run = all(evaluate(engine, broken(0, 1, 2, 3), configurations, head, { prepare, seed: 0 }));
    await expect(run).rejects.toThrow(/at least one image that can be decoded, got 4 that cannot/);
  });
});
