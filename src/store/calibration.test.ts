import { expect, test, vi } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import type { CalibrationRequest, LabApi, Progress } from "../worker/api.ts";
import { booted, complete, SCENES, settle } from "./fake-lab.ts";

const RANGE = { kind: "static", statistic: "min-max" } as const;
const zip = { kind: "zip", file: new File(["x"], "photos.zip") } as const;

/** A staged lab whose controls ask for static ranges. */
async function calibrating(overrides: Partial<LabApi> = {}) {
  const asked: CalibrationRequest[] = [];
  const openCalibration: LabApi["openCalibration"] = async (request) => {
    asked.push(request);
    return { name: request.name, count: request.limit, set: "scenes-probe", skipped: NONE_SKIPPED };
  };
  const made = await booted({ openCalibration, ...overrides });
  made.lab.setAccuracy({ follow: false });
  made.lab.setControls((controls) => ({ ...controls, bits: "w8a8", quantizer: { range: RANGE } }));
  await vi.waitFor(() => expect(made.runs).toHaveLength(3));
  return { ...made, asked };
}

test("a calibrated quantizer takes 32 probe images of the data set, opened once", async () => {
  const { lab, runs, state, asked } = await calibrating();
  expect(asked).toEqual([{ name: "dataset", images: { kind: "probe", dataset: "set-1" }, limit: 32 }]);
  expect(runs[2]!.intervention.quantize?.calibration).toBe("dataset");
  expect(state().calibration.opened).toEqual({
    name: "dataset",
    count: 32,
    set: "scenes-probe",
    skipped: NONE_SKIPPED,
  });
  lab.setControls((controls) => ({ ...controls, bits: "w6a6" }));
  await vi.waitFor(() => expect(runs).toHaveLength(4));
  expect(asked).toHaveLength(1);
});

test("how many and which images are chosen, and images of the user's own are not confused with others", async () => {
  const { lab, runs, asked } = await calibrating();
  lab.setCalibration({ limit: 64 });
  await vi.waitFor(() => expect(runs).toHaveLength(4));
  lab.setCalibration({ images: [zip] });
  await vi.waitFor(() => expect(runs).toHaveLength(5));
  lab.setCalibration({ images: [zip] });
  await vi.waitFor(() => expect(runs).toHaveLength(6));
  lab.setCalibration({ images: null });
  await vi.waitFor(() => expect(runs).toHaveLength(7));
  expect(asked.slice(1)).toEqual([
    { name: "dataset-64", images: { kind: "probe", dataset: "set-1" }, limit: 64 },
    { name: "own1-64", images: { kind: "own", sources: [zip] }, limit: 64 },
    { name: "own2-64", images: { kind: "own", sources: [zip] }, limit: 64 },
    { name: "dataset-64", images: { kind: "probe", dataset: "set-1" }, limit: 64 },
  ]);
  expect(runs.slice(3).map(({ intervention }) => intervention.quantize?.calibration)).toEqual([
    ...["dataset-64", "own1-64", "own2-64", "dataset-64"],
  ]);
});

test("another data set or worker opens the images again", async () => {
  const { lab, runs, asked } = await calibrating();
  await lab.openDataset(zip);
  await vi.waitFor(() => expect(runs).toHaveLength(4));
  expect(asked).toHaveLength(2);
  void lab.openBundledModel();
  await vi.waitFor(() => expect(runs).toHaveLength(6));
  lab.setControls((controls) => ({ ...controls, bits: "w8a8", quantizer: { range: RANGE } }));
  await vi.waitFor(() => expect(runs).toHaveLength(7));
  expect(asked).toHaveLength(3);
});

test("what calibration does is shown until the statistics are taken", async () => {
  const { runs, state } = await calibrating();
  const run = runs[2]!;
  run.calibrating({ stage: "statistics (images)", done: 3, total: 32 });
  expect(state().calibration.progress).toMatchObject({ done: 3, total: 32 });
  run.calibrating({ stage: "statistics (images)", done: 32, total: 32 });
  run.trace(0);
  expect(state().calibration.progress).toBeNull();
  complete(run);
  await settle();
  run.calibrating({ stage: "late", done: 1, total: 2 });
  expect(state().calibration.progress).toBeNull();
});

test("it can be cancelled, and taken up again", async () => {
  const cancelled: string[] = [];
  const { lab, runs, state } = await calibrating({ cancel: async (what) => void cancelled.push(what) });
  runs[2]!.calibrating({ stage: "statistics (images)", done: 3, total: 32 });
  await lab.cancelCalibration();
  runs[2]!.reject(new CancelledError());
  await settle();
  expect(cancelled).toEqual(["openCalibration", "intervention"]);
  expect(state().calibration).toMatchObject({ progress: null, cancelled: true });
  expect(state().lanes.intervention.state).toBe("idle");
  expect(state().messages).toEqual([]);
  void lab.calibrate();
  await vi.waitFor(() => expect(runs).toHaveLength(4));
  expect(state().calibration.cancelled).toBe(false);
});

test("images that are chosen while others wait for their data set are the ones that are used", async () => {
  let open: (() => void) | null = null;
  const asked: string[] = [];
  const { lab, runs, state } = await booted({
    openDataset: () =>
      new Promise((resolve) => {
        open = () => resolve(SCENES);
      }),
    openCalibration: async ({ name, limit }) => {
      asked.push(name);
      return { name, count: limit, set: "photos", skipped: NONE_SKIPPED };
    },
  });
  lab.setAccuracy({ follow: false });
  lab.setControls((controls) => ({ ...controls, bits: "w8a8", quantizer: { range: RANGE } }));
  const opens = await vi.waitFor(() => open ?? Promise.reject(new Error("not asked yet")));
  lab.setCalibration({ images: [zip] });
  await vi.waitFor(() => expect(runs).toHaveLength(3));
  opens();
  await settle();
  expect(asked).toEqual(["own1-32"]);
  expect(state().calibration.opened?.name).toBe("own1-32");
  expect(runs[2]!.intervention.quantize?.calibration).toBe("own1-32");
});

test("reading the images is told to all who wait for it, once, and can be cancelled", async () => {
  const reads: { tell: (progress: Progress) => void; reject: (error: unknown) => void }[] = [];
  const cancelled: string[] = [];
  const { lab, runs, state } = await booted({
    openCalibration: (_, tell) => new Promise((_, reject) => reads.push({ tell, reject })),
    cancel: async (what) => {
      cancelled.push(what);
      if (what === "openCalibration") for (const { reject } of reads) reject(new CancelledError());
    },
  });
  lab.setAccuracy({ follow: false });
  lab.setControls((controls) => ({ ...controls, bits: "w8a8", quantizer: { range: RANGE } }));
  await vi.waitFor(() => expect(reads).toHaveLength(1));
  void lab.startAccuracy();
  await settle();
  expect(reads).toHaveLength(1);
  reads[0]!.tell({ stage: "Reading (images)", done: 3, total: 32 });
  expect(state().calibration.progress).toMatchObject({ done: 3, total: 32 });
  expect(state().accuracy.preparing).toMatchObject({ done: 3, total: 32 });

  await lab.cancelCalibration();
  await settle();
  expect(cancelled).toEqual(expect.arrayContaining(["openCalibration", "intervention"]));
  expect(state().calibration).toMatchObject({ progress: null, cancelled: true, opened: null });
  expect(state().lanes.intervention.state).toBe("idle");
  expect(state().accuracy).toMatchObject({ running: false, preparing: null });
  expect(state().messages).toEqual([]);
  expect(runs).toHaveLength(2);
  void lab.calibrate();
  await vi.waitFor(() => expect(reads).toHaveLength(2));
});

test("an evaluation tells what it does before its first image", async () => {
  let prepare: Parameters<LabApi["evaluate"]>[2] = () => {};
  const { lab, state } = await calibrating({
    evaluate: (_, __, onPreparing) => {
      prepare = onPreparing;
      return new Promise(() => {});
    },
  });
  void lab.startAccuracy();
  await settle();
  prepare({ stage: "Fitting the probe (images)", done: 1, total: 9 });
  expect(state().accuracy.preparing).toMatchObject({ done: 1 });
  await lab.stopAccuracy();
  prepare({ stage: "late", done: 2, total: 9 });
  expect(state().accuracy.preparing).toBeNull();
});

test("accuracy opens the images too while the controls say FP32, where it measures W8A8", async () => {
  const asked: string[] = [];
  const { lab, runs } = await booted({
    openCalibration: async ({ name, limit }) => {
      asked.push(name);
      return { name, count: limit, set: "scenes-probe", skipped: NONE_SKIPPED };
    },
  });
  lab.setControls((controls) => ({ ...controls, quantizer: { range: RANGE } }));
  await settle();
  expect([runs.length, asked]).toEqual([2, []]);
  void lab.startAccuracy();
  await vi.waitFor(() => expect(asked).toEqual(["dataset"]));
});
