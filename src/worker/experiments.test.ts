import { expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { splitSet } from "../evaluate/split.ts";
import { countingEngine } from "../regcache/test-engine.ts";
import type { OpenDataset } from "./datasets.ts";
import type { ExperimentProgress, ExperimentRequest, ExperimentUpdate } from "./experiment-api.ts";
import { parseResume, runExperiment } from "./experiments.ts";

const SIDE = 20;
const set: LabelledSet = {
  name: "waves",
  classes: ["a", "b"],
  count: 40,
  label: (i) => i % 2,
  id: (i) => `wave ${i}`,
  image: async (i) => {
    const data = new Uint8ClampedArray(4 * SIDE * SIDE).map(
      (_, k) => 128 + 127 * Math.sin(0.37 * (i + 1) * k),
    );
    return { width: SIDE, height: SIDE, data };
  },
};
const dataset: OpenDataset = {
  whole: set,
  info: { id: "set-1", name: set.name, classes: set.classes, count: set.count, fingerprint: "f" },
  probeParts: async () => ({ ...splitSet(set, 0), origin: "a fifth" }),
  withoutFifth: () => splitSet(set, 0).test,
};
const request: ExperimentRequest = {
  kind: "search",
  dataset: "set-1",
  quantize: { weightBits: 4, activationBits: 4, weightGranularity: "per-tensor" },
  quantizer: "plain",
  by: "block",
  space: { rule: "linf", tensor: "residual", criteria: [], atMost: [null], registers: [1, 2] },
  objective: "mse",
  chooseOn: 4,
  measureOn: 4,
  seed: 1,
  probe: { kind: "ncm" },
  distinct: 1,
  known: null,
};

const CALIBRATION = { id: "waves, 2 of waves", count: 2 };

/** Runs an experiment on an engine of its own, as after a reload; it is cancelled with the first update that `stops` says. */
async function run(
  change: Partial<ExperimentRequest>,
  resume: ExperimentProgress | null = null,
  stops: (update: ExperimentUpdate) => boolean = () => false,
) {
  const { engine, count } = await countingEngine(3);
  const input = async (i: number) => ({ id: `c${i}`, pixels: new Float32Array(3 * SIDE * SIDE).fill(i / 4) });
  engine.addCalibration({ ...CALIBRATION, load: input });
  const abort = new AbortController();
  const kept: ExperimentProgress[] = [];
  const seen: ExperimentUpdate[] = [];
  const result = runExperiment(
    { engine, sha256: "ab".repeat(32) },
    dataset,
    { ...request, ...change },
    { classEmbeddings: null, resume },
    {
      tell: async (update) => {
        seen.push(update);
        if (stops(update)) abort.abort();
      },
      // As the page keeps it.
      keep: async (progress) => void kept.push(JSON.parse(JSON.stringify(progress))),
    },
    abort.signal,
  );
  const done = await result.catch((error: Error) => error);
  return { done, kept, seen, blockRuns: count.blockRuns };
}

const evaluationsOf = ({ result }: ExperimentUpdate) =>
  result?.kind === "search" ? result.report.evaluations : 0;
const measuredOf = ({ result }: ExperimentUpdate) => (result?.kind === "compare" ? result.report.n : 0);

/** A comparison's result without the times, which are another machine's every time. */
function timeless(result: Awaited<ReturnType<typeof run>>["done"]) {
  if (result instanceof Error || result.kind !== "compare") return result;
  const { report, ...rest } = result;
  const configurations = report.configurations.map((each) => ({ ...each, millisecondsPerImage: 0 }));
  return { ...rest, report: { ...report, configurations } };
}

test("a search that was cancelled goes on from what it kept, on another engine, and ends the same", async () => {
  const whole = await run({});
  const first = await run({}, null, (update) => evaluationsOf(update) >= 90);
  expect(first.done).toBeInstanceOf(CancelledError);
  const last = first.kept.at(-1)!;
  const resumed = await run({}, parseResume(last));
  expect(resumed.done).toEqual(whole.done);
  const shown = resumed.seen.map(evaluationsOf).find((evaluations) => evaluations > 0);
  expect(shown).toBeGreaterThan(90);
  expect(resumed.blockRuns).toBeLessThan(whole.blockRuns);
});

test("a sensitivity sweep goes on after the images that it has seen", async () => {
  const change = { kind: "sensitivity", by: "linear" } as const;
  const whole = await run(change);
  const first = await run(
    change,
    null,
    ({ result }) => result?.kind === "sensitivity" && result.report.n === 3,
  );
  expect(first.done).toBeInstanceOf(CancelledError);
  const resumed = await run(change, parseResume(first.kept.at(-1)));
  expect(resumed.done).toEqual(whole.done);
  expect(resumed.blockRuns).toBeLessThan(whole.blockRuns / 2);
});

test("a comparison goes on in its search, and in what it measures", async () => {
  const change = { kind: "compare", chooseOn: 2, measureOn: 6 } as const;
  const whole = await run(change);
  expect(whole.done).not.toBeInstanceOf(Error);
  const searching = await run(change, null, ({ progress }) => progress.stage.startsWith("Search (any rule)"));
  expect(searching.done).toBeInstanceOf(CancelledError);
  expect(Object.keys(searching.kept.at(-1)!.parts)).toEqual(["sensitivity", "search, linf", "search, any"]);
  const measuring = await run(change, searching.kept.at(-1), (update) => measuredOf(update) === 4);
  expect(measuring.done).toBeInstanceOf(CancelledError);
  expect(measuring.blockRuns).toBeLessThan(whole.blockRuns);
  const resumed = await run(change, measuring.kept.at(-1));
  expect(timeless(resumed.done)).toEqual(timeless(whole.done));
  expect(resumed.seen.map(measuredOf).find((n) => n > 0)).toBe(5);
  expect(resumed.blockRuns).toBeLessThan(whole.blockRuns / 2);
});

test("experiments run with a whole quantizer, calibrated ones too, and say so", async () => {
  const bits = { weightBits: 6, activationBits: 6, weightGranularity: "per-channel" } as const;
  const calibrated = { ...bits, calibration: CALIBRATION.id };
  const sweep = async (quantize: ExperimentRequest["quantize"]) => {
    const { done } = await run({ kind: "sensitivity", chooseOn: 1, quantize });
    if (done instanceof Error || done.kind !== "sensitivity") throw done;
    expect(done.report.quantize).toEqual(quantize);
    return done.report.units.map(({ mse }) => mse);
  };
  expect(await sweep({ ...calibrated, base: "repq-vit" })).not.toEqual(await sweep(bits));
  const quantize = { ...calibrated, range: { kind: "static", statistic: "min-max" } } as const;
  const { done } = await run({ kind: "compare", chooseOn: 1, measureOn: 1, quantize });
  if (done instanceof Error || done.kind !== "compare") throw done;
  expect(done.configurations.find(({ name }) => name === "regcache")!.intervention.quantize).toEqual(
    quantize,
  );
});

test("what does not go with a quantizer is refused before an image is read", async () => {
  const quantize = { ...request.quantize, weightBits: 8, activationBits: 8 };
  const perBatch = { ...quantize, range: { kind: "dynamic-batch", batch: 4 } } as const;
  const cases: [Partial<ExperimentRequest>, RegExp][] = [
    [{ kind: "compare", quantize: { ...quantize, arithmetic: "int8" } }, /comparison: .*simulated.*got int8/],
    [{ quantize: perBatch }, /search: .*ranges of one image.*batch of 4/],
    [{ kind: "sensitivity", quantize: { ...quantize, blocks: [1] } }, /sweep: .*all blocks/],
    [{ kind: "sensitivity", by: "linear", quantize: { ...quantize, linears: ["fc2"] } }, /all linears/],
  ];
  for (const [change, message] of cases) {
    const { done, seen } = await run({ ...change, quantizer: "controls" });
    expect(done).toBeInstanceOf(InputError);
    expect((done as Error).message).toMatch(message);
    expect((done as Error).message).toMatch(/in the controls, or choose the plain quantizer\.$/);
    expect(seen).toEqual([]);
  }
});

test("what another experiment kept, and what is none, is refused; a damaged part is found anew", async () => {
  const { kept } = await run({ kind: "sensitivity" }, null, ({ result }) => result !== null);
  const last = kept.at(-1)!;
  const other = { ...last, subject: { ...last.subject, images: "others" } };
  const { done } = await run({ kind: "sensitivity" }, other);
  expect(done).toBeInstanceOf(InputError);
  expect((done as Error).message).toMatch(/^The interrupted sensitivity sweep: .* another images/);
  expect(() => parseResume({ ...last, parts: 3 })).toThrow(/Start it anew/);
  expect(parseResume(null)).toBeNull();
  const whole = await run({ kind: "sensitivity" });
  const damaged = await run({ kind: "sensitivity" }, { ...last, parts: { sensitivity: { n: "3" } } });
  expect(damaged.done).toEqual(whole.done);
});
