import { expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { splitSet } from "../evaluate/split.ts";
import type { SearchProgress } from "../regcache/search-state.ts";
import { countingEngine } from "../regcache/test-engine.ts";
import type { OpenDataset } from "./datasets.ts";
import type { ExperimentRequest, ExperimentResult } from "./experiment-api.ts";
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

/** Runs a search on an engine of its own, as after a reload; `stopAt` evaluations it is cancelled. */
async function search(resume: SearchProgress | null, stopAt = Number.POSITIVE_INFINITY) {
  const { engine, count } = await countingEngine(3);
  const abort = new AbortController();
  const kept: SearchProgress[] = [];
  const seen: number[] = [];
  const result = runExperiment(
    { engine, sha256: "ab".repeat(32) },
    dataset,
    request,
    { classEmbeddings: null, resume },
    {
      tell: async ({ result }) => {
        if (result?.kind !== "search") return;
        seen.push(result.report.evaluations);
        if (result.report.evaluations >= stopAt) abort.abort();
      },
      keep: async (progress) => void kept.push(progress),
    },
    abort.signal,
  );
  const done: ExperimentResult | Error = await result.catch((error: Error) => error);
  return { done, kept, seen, blockRuns: count.blockRuns };
}

test("a search that was cancelled goes on from what it kept, on another engine, and ends the same", async () => {
  const whole = await search(null);
  const first = await search(null, 90);
  expect(first.done).toBeInstanceOf(CancelledError);
  const last = first.kept.at(-1)!;
  expect(last.evaluations).toBeGreaterThanOrEqual(90);
  const resumed = await search(parseResume(structuredClone(last)));
  expect(resumed.done).toEqual(whole.done);
  expect(resumed.seen[0]).toBeGreaterThan(last.evaluations);
  expect(resumed.blockRuns).toBeLessThan(whole.blockRuns);
});

test("what another search kept, and what is none, is refused", async () => {
  const { kept } = await search(null, 10);
  const last = kept.at(-1)!;
  const other = { ...last, state: last.state.replace("waves", "others") };
  const { done } = await search(other);
  expect(done).toBeInstanceOf(InputError);
  expect((done as Error).message).toMatch(/^The interrupted search: expected the state of this search/);
  expect(() => parseResume({ ...last, sensitiveBlock: -1 })).toThrow(/Start it anew/);
  expect(parseResume(null)).toBeNull();
});
