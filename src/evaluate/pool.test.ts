import { expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { countingEngine } from "../regcache/test-engine.ts";
import type { LabelledSet } from "./dataset.ts";
import { evaluateWith } from "./evaluate.ts";
import type { Head } from "./head.ts";
import { engineRunner } from "./image-runner.ts";
import { PoolEngine } from "./pool-engine.ts";
import { poolRunner, poolSize, taskCount } from "./pool-runner.ts";
import type { EvaluationReport } from "./report.ts";

const never = new Promise<never>(() => {});
const picture = (seed: number): RgbaImage => ({
  width: 20,
  height: 20,
  data: Uint8ClampedArray.from({ length: 1600 }, (_, i) => (i % 4 === 3 ? 255 : (i * (seed + 3) * 7) % 256)),
});
const decode = async ({ name }: { name: string }) => {
  if (name === "3") throw new InputError(name, "an image", "noise", "Remove it.");
  return picture(Number(name));
};
/** Six images, of which the fourth cannot be read; in the pool they are decoded from their files. */
const set: LabelledSet = {
  name: "pictures",
  classes: ["a", "b"],
  count: 6,
  label: (i) => i % 2,
  id: String,
  image: (i) => decode({ name: String(i) }),
  encoded: async (i) => ({ name: String(i), blob: new Blob() }),
};
const head: Head = { describe: "sign", classify: ({ feature }) => (feature[0]! > 0 ? 0 : 1) };
const quantize = { weightBits: 4, activationBits: 4, weightGranularity: "per-tensor" } as const;
const configurations = [
  { name: "fp32", intervention: NO_INTERVENTION },
  { name: "naive", intervention: { ...NO_INTERVENTION, quantize } },
];

async function pooled(blocks = 2) {
  const { engine, count } = await countingEngine(blocks);
  const member = new PoolEngine(engine, decode);
  return { engine, count, member, runner: poolRunner(member, never) };
}

async function last(stream: AsyncIterable<EvaluationReport>): Promise<EvaluationReport> {
  let report: EvaluationReport | null = null;
  for await (report of stream);
  return report!;
}

/** Without what depends on the clock. */
const untimed = (report: EvaluationReport) => ({
  ...report,
  configurations: report.configurations.map((result) => ({ ...result, millisecondsPerImage: 0 })),
});

const perBatch = { ...quantize, range: { kind: "dynamic-batch", batch: 2 } } as const;
const batched = { name: "naive per batch", intervention: { ...NO_INTERVENTION, quantize: perBatch } };

test.each([
  ["image by image", configurations, 1],
  ["in batches", [...configurations, batched], 2],
])("a pool of real engines reports what one engine reports, %s", async (_, configurations, batch) => {
  const { engine } = await countingEngine(2);
  const prepare = (image: RgbaImage) => prepareImage(image, engine.spec.preprocess).pixels;
  const options = { seed: 5 };
  const one = await last(evaluateWith([engineRunner(engine, prepare)], set, configurations, head, options));
  const members = [await pooled(), await pooled(), await pooled()];
  const many = await last(
    evaluateWith(
      members.map(({ runner }) => runner),
      set,
      configurations,
      head,
      options,
    ),
  );
  expect(untimed(many)).toEqual(untimed(one));
  expect(many).toMatchObject({ n: 5, total: 6, batch, skipped: { count: 1 } });
});

test("a paused engine waits before its next block, and goes on", async () => {
  const { member, count } = await pooled(3);
  await member.pause();
  let done = false;
  const run = member.run([{ id: "0", source: { image: picture(0) } }], [NO_INTERVENTION]).then((outcomes) => {
    done = true;
    return outcomes;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
  expect([done, count.blockRuns]).toEqual([false, 1]);
  await member.resume();
  expect(await run).toEqual([{ runs: [expect.anything()] }]);
  expect(count.blockRuns).toBe(3);
});

test("a cancelled run ends at once and leaves the engine usable", async () => {
  const { member, runner, count } = await pooled(3);
  await member.pause();
  const controller = new AbortController();
  const run = runner.run(set, [0], [NO_INTERVENTION], controller.signal);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
  controller.abort();
  await expect(run).rejects.toBeInstanceOf(CancelledError);
  expect(count.blockRuns).toBe(1);
  expect(await runner.run(set, [1], [NO_INTERVENTION])).toEqual([{ runs: [expect.anything()] }]);
});

test("a dead engine's runs fail instead of waiting for ever", async () => {
  const api = { run: () => never, cancel: async () => {} };
  const runner = poolRunner(api, Promise.reject(new Error("out of memory")));
  await expect(runner.run(set, [0], [NO_INTERVENTION])).rejects.toThrow("out of memory");
});

test("an evaluation has as many tasks as images, or as batches", () => {
  const [fp32, naive] = configurations.map(({ intervention }) => intervention);
  expect(taskCount(9, [fp32!, naive!])).toBe(9);
  expect(taskCount(9, [fp32!, batched.intervention])).toBe(5);
});

test("the size of a pool follows cores, memory and work", () => {
  const base = { blocks: 12, width: 768, mlpWidth: 3072, activation: "gelu" } as const;
  const need = { cores: 4, memoryBytes: 8e9, runs: 1000 };
  expect(poolSize(base, need)).toBe(4);
  expect(poolSize(base, { ...need, cores: 2 })).toBe(2);
  expect(poolSize(base, { ...need, memoryBytes: 2e9 })).toBe(2);
  expect(poolSize(base, { ...need, memoryBytes: 1e8 })).toBe(1);
  expect(poolSize(base, { ...need, runs: 2 })).toBe(1);
  expect(poolSize({ ...base, blocks: 6, width: 128, mlpWidth: 512 }, { ...need, runs: 192 })).toBe(1);
});
