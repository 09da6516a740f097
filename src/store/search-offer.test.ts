import { expect, test, vi } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import type { DatasetInfo, LabApi } from "../worker/api.ts";
import type { ExperimentKind, ExperimentProgress, ExperimentResult } from "../worker/experiment-api.ts";
import { booted, REGISTERS, SCENES } from "./fake-lab.ts";

const found = { kind: "search", report: {}, sensitiveBlock: 1, registers: REGISTERS } as unknown;
const progress = (evaluations: number): ExperimentProgress => {
  const numbers = Array<number>(evaluations).fill(0.5);
  const scores = { "no prefix, no deletion": { mse: numbers, cosine: numbers, right: [] } };
  const search = JSON.stringify({ format: "regscope-search", version: 2, subject: {}, scores });
  return { subject: { encoder: "e" }, parts: { search } };
};
const measured = (n: number): ExperimentProgress => ({
  subject: { encoder: "e" },
  parts: {
    ...progress(5).parts,
    evaluation: {
      ...{ n, total: 99, skipped: { count: 0, examples: [] }, seed: 1, dataset: "d", head: "h" },
      configurations: [],
    },
  },
});

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
  /** Starts an experiment and lets it be interrupted with what it hands on, or a search after so many evaluations. */
  const interrupted = async (what: number | ExperimentProgress, kind: ExperimentKind = "search") => {
    const n = asked.length;
    const running = lab.lab.runExperiment(kind);
    await vi.waitFor(() => expect(asked).toHaveLength(n + 1));
    asked[n]!.args[3](typeof what === "number" ? progress(what) : what);
    asked[n]!.cancel();
    await running;
  };
  const offers = () => lab.state().experiments.offers;
  /** Evaluations of the search that is offered. */
  const offer = () => offers().search?.done ?? null;
  return { ...lab, asked, interrupted, offers, offer };
}

test("an interrupted search is offered for equal settings, goes on, and is forgotten when it is complete", async () => {
  const { lab, asked, interrupted, offer, stored } = await staged();
  expect(offer()).toBeNull();
  await interrupted(12);
  expect(offer()).toBe(12);
  lab.setExperiments({ chooseOn: 5 });
  expect(offer()).toBeNull();
  lab.setExperiments({ chooseOn: 32 });
  lab.setAccuracy({ seed: 9 });
  expect(offer()).toBeNull();
  lab.setAccuracy({ seed: 1 });
  expect(offer()).toBe(12);
  const running = lab.continueExperiment("search");
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
  await vi.waitFor(() => expect(after.state().experiments.offers.search?.done).toBe(7));
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
  expect(said()).toEqual([expect.stringMatching(/^An interrupted experiment: expected .* Start it anew\.$/)]);
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

test("an interrupted comparison and sensitivity sweep are offered too, after a reload, for what they depend on", async () => {
  const before = await staged();
  await before.interrupted(measured(20), "compare");
  await before.interrupted({ subject: {}, parts: { sensitivity: { n: 3 } } }, "sensitivity");
  const after = await booted({ openDataset: before.api.openDataset }, {}, "", null, before.stored);
  const offers = () => after.state().experiments.offers;
  const compare = { stage: "evaluation", done: 20 };
  const sensitivity = { stage: "sensitivity", done: 3 };
  await vi.waitFor(() => expect(offers()).toEqual({ sensitivity, compare }));
  after.lab.setExperiments({ by: "block" });
  expect(offers()).toEqual({ compare });
  after.lab.setExperiments({ by: "linear", measureOn: 7 });
  expect(offers()).toEqual({ sensitivity });
  after.lab.setExperiments({ measureOn: 128 });
  after.lab.setAccuracy({ probe: { kind: "knn", neighbours: 3 } });
  expect(offers()).toEqual({ sensitivity });
});

test("a comparison goes on from what it kept, and is forgotten when it is complete", async () => {
  const { lab, asked, interrupted, offers } = await staged();
  await interrupted(measured(20), "compare");
  const running = lab.continueExperiment("compare");
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]!.args[0].kind).toBe("compare");
  expect(asked[1]!.args[1].resume).toMatchObject(measured(20));
  asked[1]!.finish();
  await running;
  expect(offers()).toEqual({});
});

test("what takes its quantizer or setting from the controls is offered for equal ones only", async () => {
  const { lab, interrupted, offer, offers } = await staged();
  lab.setExperiments({ quantizer: "controls" });
  lab.setControls((controls) => ({ ...controls, bits: "w6a6", quantizer: { base: "repq-vit" } }));
  await interrupted(9);
  expect(offer()).toBe(9);
  lab.setControls((controls) => ({ ...controls, quantizer: { base: "ptq4vit" } }));
  expect(offer()).toBeNull();
  lab.setControls((controls) => ({ ...controls, quantizer: { base: "repq-vit" } }));
  expect(offer()).toBe(9);
  lab.setExperiments({ quantizer: "plain", regcache: "controls" });
  lab.setControls((controls) => ({ ...controls, prefix: { ...controls.prefix, on: true, count: 2 } }));
  await interrupted(measured(4), "compare");
  expect(offers().compare?.done).toBe(4);
  lab.setControls((controls) => ({ ...controls, prefix: { ...controls.prefix, count: 3 } }));
  expect(offers().compare).toBeUndefined();
  lab.setControls((controls) => ({ ...controls, prefix: { ...controls.prefix, on: false } }));
  expect(offers().compare).toBeUndefined();
});

test("what is calibrated on images of the user's own cannot be known again", async () => {
  const { lab, asked, interrupted, offers, stored } = await staged();
  lab.setExperiments({ quantizer: "controls" });
  lab.setControls((controls) => ({ ...controls, quantizer: { base: "repq-vit" } }));
  lab.setCalibration({ images: [{ kind: "zip", file: new File([], "own.zip") }] });
  await interrupted(9);
  expect(asked[0]!.args[0].quantize.calibration).toBe("own1-32");
  expect(offers()).toEqual({});
  expect(stored.searches).toBeUndefined();
});
