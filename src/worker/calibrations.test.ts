import { expect, test } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import { fakeEngine, fakeSet } from "../evaluate/fake-engine.ts";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { CalibrationImages } from "../quantize/calibrate.ts";
import type { Progress } from "./api.ts";
import { Calibrations } from "./calibrations.ts";

const set = fakeSet([
  [1, 2, 0],
  [3, 4, 1],
  [5, 6, 0],
]);
const calibrated = (calibration: string) => ({
  ...NO_INTERVENTION,
  quantize: {
    weightBits: 8,
    activationBits: 8,
    weightGranularity: "per-tensor" as const,
    range: { kind: "static" as const, statistic: "min-max" as const },
    calibration,
  },
});

/** An engine that notes what it is given to calibrate on. */
function calibratedEngine() {
  const added: CalibrationImages[] = [];
  const addCalibration = (images: CalibrationImages) => void added.push(images);
  return { engine: { ...fakeEngine((pixels) => pixels).engine, addCalibration }, added };
}

test("images are known to the engine by their data set, and refused where they are not open", async () => {
  const { engine, added } = calibratedEngine();
  const calibrations = new Calibrations();
  const probe = { kind: "probe", dataset: "set-7" } as const;
  const own = { kind: "own", sources: [{ kind: "zip", file: new File([], "a.zip") }] } as const;
  expect(await calibrations.add(engine, { name: "dataset", images: probe, limit: 2 }, [set])).toEqual({
    ...{ name: "dataset", count: 2, set: set.name, skipped: NONE_SKIPPED },
  });
  expect((await calibrations.add(engine, { name: "own1-9", images: own, limit: 9 }, [set])).count).toBe(3);
  expect(added.map(({ id, count }) => [id, count])).toEqual([
    [`set-7, 2 of ${set.name}`, 2],
    [`own1-9, 3 of ${set.name}`, 3],
  ]);
  const { quantize } = calibrations.resolve(calibrated("dataset"));
  expect(quantize?.calibration).toBe(added[0]!.id);
  expect(calibrations.resolve(NO_INTERVENTION)).toBe(NO_INTERVENTION);
  expect(["dataset", "own1-9"].map((name) => calibrations.takesProbe(calibrated(name)))).toEqual([
    true,
    false,
  ]);
  expect(calibrations.takesProbe(NO_INTERVENTION)).toBe(false);
  expect(() => calibrations.resolve(calibrated("own2-9"))).toThrow(
    /expected images that are open, got own2-9/,
  );
});

test("who waits is told and waited for, nobody else", async () => {
  const { engine, added } = calibratedEngine();
  const calibrations = new Calibrations();
  const images = { kind: "probe", dataset: "set-7" } as const;
  await calibrations.add(engine, { name: "dataset", images, limit: 2 }, [set]);
  const told: Progress[] = [];
  const tell = async (progress: Progress) => {
    await Promise.resolve();
    told.push(progress);
  };
  await calibrations.telling(tell, async () => {
    await added[0]!.onProgress?.("statistics", 1, 2);
    expect(told).toEqual([{ stage: "statistics", done: 1, total: 2 }]);
  });
  await added[0]!.onProgress?.("statistics", 2, 2);
  expect(told).toHaveLength(1);
});

test("reading the images is told, and a reading that is cancelled leaves what was open before", async () => {
  const { engine, added } = calibratedEngine();
  const calibrations = new Calibrations();
  const request = { name: "dataset", images: { kind: "probe", dataset: "set-7" }, limit: 3 } as const;
  const told: [number, number][] = [];
  const stop = new AbortController();
  const onProgress = (_: string, done: number, total: number) => void told.push([done, total]);
  await calibrations.add(engine, request, [set], { signal: stop.signal, onProgress });
  expect(told).toEqual([1, 2, 3].map((done) => [done, 3]));
  const again = calibrations.add(engine, { ...request, limit: 2 }, [set], {
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(again).rejects.toThrow(CancelledError);
  expect(calibrations.resolve(calibrated("dataset")).quantize?.calibration).toBe(added[0]!.id);
});
