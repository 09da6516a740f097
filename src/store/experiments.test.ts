import { expect, test, vi } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import type { LabApi } from "../worker/api.ts";
import { type ExperimentResult, experimentRequestSchema } from "../worker/experiment-api.ts";
import { adoptedQuantizer, type QuantizerControls } from "./adopted-quantizer.ts";
import type { Controls } from "./controls.ts";
import { quantizerText } from "./experiment-request.ts";
import { INITIAL_EXPERIMENTS, sensitiveBlockOf } from "./experiments.ts";
import { booted, REGISTERS } from "./fake-lab.ts";

const search = { kind: "search", report: {}, sensitiveBlock: 1, registers: REGISTERS } as unknown;

test("an experiment reads labels as live accuracy does: by class embeddings, else the chosen probe", async () => {
  const asked: Parameters<LabApi["experiment"]>[] = [];
  const { lab, state } = await booted({
    experiment: (...args) => {
      asked.push(args);
      return Promise.resolve({ result: search as ExperimentResult });
    },
  });
  lab.setAccuracy({ probe: { kind: "knn", neighbours: 3 } });
  await lab.runExperiment("search");
  lab.setClasses({ names: "shirt\nshoe", templates: "a {}" });
  await lab.embedClasses();
  await vi.waitFor(() => expect(state().classes.embedded).not.toBeNull());
  await lab.runExperiment("search");
  expect(asked.map(([request]) => request.probe)).toEqual(Array(2).fill({ kind: "knn", neighbours: 3 }));
  expect(asked.map(([, { classEmbeddings }]) => classEmbeddings?.classes)).toEqual([
    undefined,
    ["shirt", "shoe"],
  ]);
});

test("a search tries criteria with a bound beside none where it is asked to, a comparison several registers", async () => {
  const asked: Parameters<LabApi["experiment"]>[0][] = [];
  const { lab } = await booted({
    experiment: (request) => {
      asked.push(request);
      return Promise.resolve({ result: search as ExperimentResult });
    },
  });
  await lab.runExperiment("search");
  lab.setExperiments({ criteria: "sun", capped: true, atMost: 5, compareRegisters: 3 });
  await lab.runExperiment("search");
  expect(asked.map(({ space }) => space.atMost)).toEqual([[null], [5, null]]);
  expect(asked.map(({ distinct }) => distinct)).toEqual([1, 3]);
  for (const request of asked) expect(experimentRequestSchema.parse(request)).toEqual(request);
});

test("the sensitive block is what the latest experiment on this model found", async () => {
  const { lab, state } = await booted({
    experiment: () => Promise.resolve({ result: search as ExperimentResult }),
  });
  expect(sensitiveBlockOf(state().experiments)).toBeNull();
  await lab.runExperiment("search");
  expect(sensitiveBlockOf(state().experiments)).toBe(1);
});

test("accuracy is told while the controls hold a setting that was chosen on the data set's probe images", async () => {
  const asked: boolean[] = [];
  const { lab } = await booted({
    experiment: () => Promise.resolve({ result: search as ExperimentResult }),
    evaluate: ({ choseOnProbe }) => {
      asked.push(choseOnProbe);
      return new Promise(() => {});
    },
  });
  await lab.runExperiment("search");
  const { request } = lab.store.getState().experiments.records.search!;
  const measure = async () => {
    const before = asked.length;
    void lab.startAccuracy();
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(before));
  };
  await measure();
  await lab.adoptSetting({ prefix: null, delete: { block: 1, count: 2, by: "linf" } }, [REGISTERS], request);
  await measure();
  lab.setControls((controls) => ({ ...controls, deletion: { ...controls.deletion, on: false } }));
  await measure();
  expect(asked).toEqual([false, true, false]);
});

test("settings, and whose probe images the controls' setting was chosen on, outlive the page", async () => {
  const asked: boolean[] = [];
  const overrides: Partial<LabApi> = {
    experiment: () => Promise.resolve({ result: search as ExperimentResult }),
    evaluate: ({ choseOnProbe }) => {
      asked.push(choseOnProbe);
      return new Promise(() => {});
    },
  };
  const { lab, state, stored, written } = await booted(overrides);
  lab.setExperiments({ bits: "w6a6", criteria: "sun", chooseOn: 40 });
  await lab.runExperiment("search");
  const { request } = state().experiments.records.search!;
  await lab.adoptSetting({ prefix: null, delete: { block: 1, count: 2, by: "linf" } }, [REGISTERS], request);
  await vi.waitFor(() => expect(written.at(-1)).toContain("delete=1,2,linf"));

  const again = await booted(overrides, {}, written.at(-1), null, stored);
  expect(again.state().experiments.settings).toEqual(state().experiments.settings);
  void again.lab.startAccuracy();
  await vi.waitFor(() => expect(asked).toEqual([true]));
});

test.each([
  ["{", {}],
  ["[]", {}],
  [JSON.stringify({ settings: { bits: "w3a3", chooseOn: 7, atMost: -1 }, adopted: 5 }), { chooseOn: 7 }],
])("of damaged settings %s what can be read is taken", async (text, expected) => {
  const { state } = await booted({}, {}, "", null, { experiments: text });
  expect(state().experiments).toEqual({
    ...INITIAL_EXPERIMENTS,
    settings: { ...INITIAL_EXPERIMENTS.settings, ...expected },
  });
});

/** A lab that notes what experiments ask for, and answers at once. */
async function noting(overrides: Partial<LabApi> = {}) {
  const asked: Parameters<LabApi["experiment"]>[0][] = [];
  const lab = await booted({
    experiment: (request) => {
      asked.push(request);
      return Promise.resolve({ result: search as ExperimentResult });
    },
    ...overrides,
  });
  return { ...lab, asked };
}

test("experiments take a plain quantizer, or all of the controls', whose calibration is opened first", async () => {
  const order: string[] = [];
  const openCalibration: LabApi["openCalibration"] = async ({ name, limit }) => {
    order.push(`open ${name}`);
    return { name, count: limit, set: "scenes-probe", skipped: { count: 0, examples: [] } };
  };
  const { lab, asked } = await noting({ openCalibration });
  lab.setControls((controls) => ({
    ...controls,
    ...{ bits: "w6a4", weightGranularity: "per-channel", quantizer: { base: "repq-vit" } },
  }));
  await lab.runExperiment("search");
  expect(asked[0]).toMatchObject({
    quantizer: "plain",
    quantize: { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" },
  });
  expect(asked[0]!.quantize.base).toBeUndefined();
  lab.setExperiments({ quantizer: "controls" });
  await lab.runExperiment("search");
  const whole = {
    ...{ weightBits: 6, activationBits: 4, weightGranularity: "per-channel" },
    ...{ base: "repq-vit", calibration: "dataset" },
  };
  expect(asked[1]).toMatchObject({ quantizer: "controls", quantize: whole });
  expect(order).toContain("open dataset");
  for (const request of asked) expect(experimentRequestSchema.parse(request)).toEqual(request);
  expect(asked.map(quantizerText)).toEqual([
    "plain, W8A8",
    "as the controls: W6A4, weights per-channel, base=repq-vit, calibration=dataset",
  ]);
});

test("what does not go together is refused before anything is opened or runs, and says what to turn on", async () => {
  const openDataset = vi.fn<LabApi["openDataset"]>(() => new Promise(() => {}));
  const { lab, asked, state } = await noting({ openDataset });
  const refused = async (kind: "search" | "compare") => {
    await lab.runExperiment(kind);
    expect(state().experiments.running).toBeNull();
    return state().messages.at(-1)!.text;
  };
  lab.setExperiments({ regcache: "controls" });
  lab.setControls(({ prefix, deletion, ...controls }) => ({
    ...{ ...controls, prefix: { ...prefix, on: false }, deletion: { ...deletion, on: false } },
  }));
  expect(await refused("compare")).toMatch(/^RegCache in Compare.*both are off.*Turn on the prefix/);
  const standIn = { ...REGISTERS, id: "sink", kind: "random-sink" } as const;
  lab.store.setState({ model: { ...state().model!, registers: [REGISTERS, standIn] } });
  lab.setControls(({ prefix, deletion, ...controls }) => ({
    ...controls,
    prefix: { ...prefix, on: true, alternative: "sink" },
    deletion: { ...deletion, on: true, by: "similarity" },
  }));
  expect(await refused("compare")).toMatch(/^RegCache in Compare.*same registers.*different ones/);
  lab.store.setState({ model: { ...state().model!, registers: [] } });
  lab.setControls((controls) => ({ ...controls, registers: null }));
  expect(await refused("compare")).toMatch(/^RegCache in Compare.*no registers.*Curate registers/);
  lab.setExperiments({ quantizer: "controls" });
  lab.setControls((controls) => ({ ...controls, quantizer: { arithmetic: "int8" } }));
  expect(await refused("search")).toMatch(/simulated arithmetic.*got int8/);
  expect(asked).toEqual([]);
  expect(openDataset).not.toHaveBeenCalled();
});

test("a setting that is used leaves the rest of the user's quantizer, and takes over its bits", async () => {
  const { lab, state, asked } = await noting();
  const use = async () => {
    const { request } = state().experiments.records.search!;
    const setting = { prefix: null, delete: { block: 1, count: 2, by: "linf" } } as const;
    await lab.adoptSetting(setting, [REGISTERS], request);
    const { bits, weightGranularity, quantizer, calibration, deletion } = state().controls!;
    expect(deletion.on).toBe(true);
    return { bits, weightGranularity, quantizer, calibration };
  };
  const mine: QuantizerControls = {
    bits: "w8a8",
    weightGranularity: "per-channel",
    quantizer: { base: "repq-vit" },
    calibration: { images: "dataset", limit: 64 },
  };
  const choose = (change: Partial<Controls>) => lab.setControls((controls) => ({ ...controls, ...change }));
  lab.setExperiments({ bits: "w6a6" });
  await lab.runExperiment("search");
  choose(mine);
  expect(await use()).toEqual({ ...mine, bits: "w6a6" });
  // int8 has 8 bits only.
  choose({ bits: "w8a8", quantizer: { arithmetic: "int8" } });
  expect(await use()).toEqual({ ...mine, bits: "w6a6", quantizer: {} });
  // Without a quantizer of the user's it is the experiment's.
  choose({ ...mine, bits: "fp32" });
  expect(await use()).toEqual({ ...mine, bits: "w6a6", weightGranularity: "per-tensor", quantizer: {} });
  // What ran as the controls said is as it ran, whatever they say since.
  choose(mine);
  lab.setExperiments({ quantizer: "controls" });
  await lab.runExperiment("search");
  expect(asked.at(-1)!.quantize.calibration).toBe("dataset-64");
  choose({ bits: "w4a4", weightGranularity: "per-tensor", quantizer: {} });
  choose({ calibration: { images: "dataset", limit: 8 } });
  expect(await use()).toEqual(mine);
});

test("images of the user's own that an experiment was calibrated on stay chosen where they are still open", () => {
  const bits = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
  const quantize = { ...bits, base: "ptq4vit", calibration: "own2-16" } as const;
  const now = { images: "dataset", limit: 32 } as const;
  const controls = {
    bits: "w4a4",
    weightGranularity: "per-tensor",
    quantizer: {},
    calibration: now,
  } as const;
  const adopted = (own?: number) =>
    adoptedQuantizer(controls, { quantize, quantizer: "controls" }, own).calibration;
  expect(adopted(2)).toEqual({ images: 2, limit: 16 });
  expect(adopted(3)).toEqual(now);
  expect(adopted()).toEqual(now);
});

test("settings are chosen on 64 images unless the user chose otherwise", async () => {
  const { state } = await booted();
  expect(state().experiments.settings.chooseOn).toBe(32);
  const stored = { experiments: JSON.stringify({ settings: { chooseOn: 16 }, adopted: null }) };
  const kept = await booted({}, {}, "", null, stored);
  expect(kept.state().experiments.settings.chooseOn).toBe(16);
});

test("an experiment that is stopped says so until the worker answers, and one that is not in the worker yet never gets there", async () => {
  let reject: (error: Error) => void = () => {};
  const experiment = vi.fn<LabApi["experiment"]>(() => new Promise((_, no) => (reject = no)));
  const { lab, state } = await booted({ experiment });
  const first = lab.runExperiment("search");
  await vi.waitFor(() => expect(experiment).toHaveBeenCalledOnce());
  void lab.stopExperiment();
  expect(state().experiments).toMatchObject({ running: "search", stopping: true });
  reject(new CancelledError("experiment"));
  await first;
  expect(state().experiments).toMatchObject({ running: null, stopping: false });
  const second = lab.runExperiment("compare");
  void lab.stopExperiment();
  await second;
  expect(state().experiments).toMatchObject({ running: null, stopping: false });
  expect(experiment).toHaveBeenCalledOnce();
  expect(state().messages).toEqual([]);
});
