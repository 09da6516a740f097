import { expect, test, vi } from "vitest";
import type { LabApi } from "../worker/api.ts";
import { type ExperimentResult, experimentRequestSchema } from "../worker/experiment-api.ts";
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
