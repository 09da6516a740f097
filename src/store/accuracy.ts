import type { StoreApi } from "zustand/vanilla";
import { encoderKey } from "../encoder/encoder-key.ts";
import { buildConfigurations } from "../evaluate/configurations.ts";
import type { Configuration, EvaluationProgress } from "../evaluate/report.ts";
import type { EvaluationRecord } from "../evaluate/report-export.ts";
import type { DatasetInfo, LabApi, Progress } from "../worker/api.ts";
import { isCalibrated } from "./calibration.ts";
import type { LabHost } from "./context.ts";
import { type Controls, quantizationOf, toIntervention } from "./controls.ts";
import { isChosenOn } from "./experiments.ts";
import { unfittedHeadKey } from "./head-key.ts";
import { isCancelled } from "./messages.ts";
import { type EvaluationKey, forgetSaved, saveProgress } from "./saved-evaluations.ts";
import type { AccuracyState, LabState } from "./state.ts";

/**
 * FP32, quantized, quantized + RegCache (prefix and deletion as the controls say), in this order; without a
 * prefix and a deletion there is no third one. With int8 the simulated rows stand beside the int8 ones. Where one of the paper's
 * controls stands in for the registers, the third is named by it, e.g. `random-sink-w8a8`, since it is not the method.
 */
export function accuracyConfigurations(controls: Controls): readonly Configuration[] {
  const quantize = quantizationOf(controls);
  const { prefix, delete: deletion } = toIntervention(controls);
  const configurations = buildConfigurations(prefix || deletion ? ["naive", "regcache"] : ["naive"], {
    prefix,
    delete: deletion,
    quantize,
  });
  const { kind } = controls.prefix;
  if (!prefix || kind === "outliers") return configurations;
  return configurations.map((each) => ({ ...each, name: each.name.replace(/^regcache/, kind) }));
}

/** Identifies what an accuracy report measured. */
export function accuracyKey(controls: Controls): string {
  return JSON.stringify(accuracyConfigurations(controls));
}

/** A limit that takes every image of a set. */
export const EVERY_IMAGE = Number.MAX_SAFE_INTEGER;

/** The shown report with what it was made from, for saving; null without one. */
export function accuracyRecord({ model, accuracy, dataset }: LabState): EvaluationRecord | null {
  const { report, configurations } = accuracy;
  if (!model || !report) return null;
  const { spec, sha256 } = model;
  return { spec, sha256, fingerprint: dataset.info?.fingerprint ?? null, configurations, report };
}

/** Least time between two savings of a running evaluation, ms. */
const SAVE_INTERVAL = 1000;

/** What the controls would measure now, where the data set can be known again. */
export function evaluationKey({
  controls,
  model,
  dataset,
  accuracy,
  classes,
}: LabState): EvaluationKey | null {
  const fingerprint = dataset.info?.fingerprint ?? null;
  if (!controls || !model || fingerprint === null) return null;
  // Images of the user's own cannot be known again after a reload.
  if (isCalibrated(controls) && controls.calibration.images !== "dataset") return null;
  const { seed, limit } = accuracy;
  return {
    model: encoderKey(model),
    fingerprint,
    configurations: accuracyConfigurations(controls),
    seed,
    limit,
    // The probe matters only where one is fitted.
    head: unfittedHeadKey(model, dataset.info!, classes.embedded) ?? accuracy.probe,
  };
}

export interface AccuracyRunner {
  /** @param resume goes on after the images of an interrupted evaluation */
  start(resume?: EvaluationProgress | null): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs the live accuracy; a new start supersedes the running one.
 * @param dataset opens the chosen data set where it is not open yet
 * @param prepare opens the calibration images where they are needed, and tells while it reads them
 */
export function createAccuracyRunner(
  api: LabApi,
  store: StoreApi<LabState>,
  dataset: () => Promise<DatasetInfo>,
  prepare: (tell: (progress: Progress) => void) => Promise<void>,
  host: Pick<LabHost, "schedule" | "readStored" | "writeStored">,
  report: (error: unknown) => void,
): AccuracyRunner {
  let current = 0;
  const update = (change: Partial<AccuracyState>) =>
    store.setState((state) => ({ accuracy: { ...state.accuracy, ...change } }));

  /** The newest report of the running evaluation, where it can be continued later. */
  let unsaved: { readonly key: EvaluationKey; readonly progress: EvaluationProgress } | null = null;

  async function stop(): Promise<void> {
    current++;
    if (unsaved) saveProgress(host, unsaved.key, unsaved.progress);
    unsaved = null;
    if (!store.getState().accuracy.running) return;
    update({ running: false, preparing: null });
    await api.cancel("evaluate");
  }

  async function start(resume: EvaluationProgress | null = null): Promise<void> {
    await stop();
    const { controls, model, accuracy, classes, experiments } = store.getState();
    if (!controls || !model) return;
    const id = ++current;
    let latest: AccuracyState["report"] = null;
    let engines = 1;
    let scheduled = false;
    const configurations = accuracyConfigurations(controls);
    update({ running: true, preparing: null, report: null, configurations, measured: accuracyKey(controls) });
    const flush = () => {
      scheduled = false;
      if (id === current && latest) update({ report: latest, preparing: null, engines });
    };
    const onPreparing = (preparing: Progress) => {
      // A further configuration may be calibrated at the first image; what is measured is told from then on.
      if (id === current && store.getState().accuracy.running && !latest) update({ preparing });
    };
    try {
      const set = await dataset();
      await prepare(onPreparing);
      if (id !== current) return;
      const key = evaluationKey(store.getState());
      let saved = Date.now();
      const final = await api.evaluate(
        {
          configurations,
          dataset: set.id,
          limit: accuracy.limit,
          seed: accuracy.seed,
          classEmbeddings: classes.embedded,
          probe: accuracy.probe,
          choseOnProbe: isChosenOn(set, experiments, controls),
          ...(resume && { resume }),
        },
        (next, working) => {
          if (id !== current || (latest && next.n < latest.n)) return;
          latest = next;
          engines = working;
          unsaved = key && { key, progress: next };
          if (key && Date.now() - saved >= SAVE_INTERVAL) {
            saved = Date.now();
            saveProgress(host, key, next);
          }
          if (!scheduled) host.schedule(flush);
          scheduled = true;
        },
        onPreparing,
      );
      if (id !== current) return;
      latest = final;
      unsaved = null;
      if (key) forgetSaved(host, key);
      update({ running: false, preparing: null, report: final });
    } catch (error) {
      if (id !== current) return;
      update({ running: false, preparing: null });
      if (!isCancelled(error)) report(error);
    }
  }

  return { start, stop };
}
