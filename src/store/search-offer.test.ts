import { expect, test, vi } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import type { DatasetInfo, LabApi } from "../worker/api.ts";
import type { ExperimentResult } from "../worker/experiment-api.ts";
import { booted, REGISTERS, SCENES } from "./fake-lab.ts";

const found = { kind: "search", report: {}, sensitiveBlock: 1, registers: REGISTERS } as unknown;
const state = JSON.stringify({ format: "regscope-search", version: 1, subject: "s", scores: {} });
const progress = (evaluations: number) => ({ sensitiveBlock: 1, evaluations, state });

/** A search that the test drives. */
interface Asked {
  readonly args: Parameters<LabApi["experiment"]>;
  finish(): void;
  cancel(): void;
}

async function staged(dataset: Partial<DatasetInfo> = {}) {
  const asked: Asked[] = [];
  const experiment: LabApi["experiment"] = (...args) =>
    new Promise((resolve, reject) => {
      const finish = () => resolve({ result: found as ExperimentResult });
      asked.push({ args, finish, cancel: () => reject(new CancelledError("experiment")) });
    });
  const openDataset: LabApi["openDataset"] = async () => ({ ...SCENES, ...dataset });
  const lab = await booted({ experiment, openDataset });
  /** Starts a search and lets it be interrupted after so many evaluations. */
  const interrupted = async (evaluations: number) => {
    const n = asked.length;
    const running = lab.lab.runExperiment("search");
    await vi.waitFor(() => expect(asked).toHaveLength(n + 1));
    asked[n]!.args[3](progress(evaluations));
    asked[n]!.cancel();
    await running;
  };
  return { ...lab, asked, interrupted, offer: () => lab.state().experiments.offer };
}

test("an interrupted search is offered for equal settings, goes on, and is forgotten when it is complete", async () => {
  const { lab, asked, interrupted, offer, stored } = await staged();
  expect(offer()).toBeNull();
  await interrupted(12);
  expect(offer()).toBe(12);
  lab.setExperiments({ chooseOn: 5 });
  expect(offer()).toBeNull();
  lab.setExperiments({ chooseOn: 16 });
  lab.setAccuracy({ seed: 9 });
  expect(offer()).toBeNull();
  lab.setAccuracy({ seed: 1 });
  expect(offer()).toBe(12);
  const running = lab.continueSearch();
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked.map(({ args }) => args[1].resume)).toEqual([null, progress(12)]);
  expect(offer()).toBeNull();
  asked[1]!.finish();
  await running;
  expect(offer()).toBeNull();
  expect(JSON.parse(stored.searches!)).toEqual([]);
});

test("after a reload the images are opened where a search over the model is kept, and it is offered", async () => {
  const before = await staged();
  await before.interrupted(7);
  const openDataset = vi.fn(before.api.openDataset);
  const after = await booted({ openDataset }, {}, "", null, before.stored);
  await vi.waitFor(() => expect(after.state().experiments.offer).toBe(7));
  expect(openDataset).toHaveBeenCalledOnce();
  const fresh = vi.fn(before.api.openDataset);
  await booted({ openDataset: fresh });
  expect(fresh).not.toHaveBeenCalled();
});

test("the bundled set is known without a fingerprint, images of the user's own are not", async () => {
  const bundled = await staged({ fingerprint: null });
  await bundled.interrupted(5);
  expect(bundled.offer()).toBe(5);
  const own = await staged({ fingerprint: null });
  await own.lab.openDataset({ kind: "zip", file: new File([], "own.zip") });
  await own.interrupted(5);
  expect(own.offer()).toBeNull();
  expect(own.stored.searches).toBeUndefined();
});

test("damaged storage is said, and nothing else is lost", async () => {
  const before = await staged();
  await before.interrupted(7);
  const stored = { evaluations: "[]", searches: before.stored.searches!.slice(0, -9) };
  const { lab, state } = await booted({}, {}, "", null, stored);
  const said = () => state().messages.map(({ text }) => text);
  expect(said()).toEqual([expect.stringMatching(/^An interrupted search: expected .* Start it anew\.$/)]);
  expect(state().model).not.toBeNull();
  expect(stored.evaluations).toBe("[]");
  lab.setExperiments({ chooseOn: 5 });
  expect(said()).toHaveLength(1);
});

test("a search that is interrupted because its model goes away belongs to that model", async () => {
  const { lab, asked, offer, state } = await staged();
  const running = lab.runExperiment("search");
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  lab.store.setState({ model: { ...state().model!, sha256: "ef".repeat(32) } });
  asked[0]!.args[3](progress(4));
  asked[0]!.cancel();
  await running;
  expect(offer()).toBeNull();
  lab.store.setState({ model: { ...state().model!, sha256: "ab".repeat(32) } });
  await vi.waitFor(() => expect(offer()).toBe(4));
});
