import { encoderKey } from "../encoder/encoder-key.ts";
import type { EvaluationProgress } from "../evaluate/report.ts";
import type { ImageSource } from "../worker/api.ts";
import { accuracyKey, createAccuracyRunner, evaluationKey } from "./accuracy.ts";
import { createCalibration, isCalibrated } from "./calibration.ts";
import type { LabContext } from "./context.ts";
import { type Controls, clampControls, toIntervention } from "./controls.ts";
import { createDatasets } from "./dataset.ts";
import { linkOf, writeHash } from "./hash.ts";
import { createLaneRunner } from "./lane-runner.ts";
import { findElsewhere, findSaved, type SavedEvaluation } from "./saved-evaluations.ts";
import type { LabState } from "./state.ts";

/** Pause after the last change of a control before the lane runs again, ms. */
const SETTLE = 60;
/** Pause of an idle lane before the accuracy follows the controls, ms. */
const IDLE = 1200;

export type Runs = ReturnType<typeof createRuns>;

/** Actions that make the encoder run: the lanes, the controls that drive them, and the live accuracy. */
export function createRuns(context: LabContext) {
  const { api, host, store, fail } = context;
  const { getState, setState } = store;
  const bundled = new URL("datasets/scenes/", host.baseUrl).href;
  // Numbers of another data set must not stay beside the new one's name.
  const forgetAccuracy = () => {
    void accuracy.stop().catch(fail);
    setState((state) => ({ accuracy: { ...state.accuracy, report: null, measured: null } }));
    calibration.forget();
    const { controls } = getState();
    if (controls && isCalibrated(controls) && controls.calibration.images === "dataset") {
      void runIntervention();
    }
  };
  const datasets = createDatasets(api, store, bundled, forgetAccuracy, fail);
  const calibration = createCalibration(api, store, datasets.current);
  const lanes = createLaneRunner(api, store, host.schedule, fail, {
    prepare: calibration.prepare,
    tell: (progress) => calibration.update({ progress }),
  });
  const accuracy = createAccuracyRunner(api, store, datasets.current, calibration.prepare, host, fail);
  let settle: ReturnType<typeof setTimeout> | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;

  /** Whether the accuracy should be measured again: it follows, and shows other settings than the controls. */
  function isAccuracyDue(): boolean {
    const { accuracy, controls, modelRequest, image, dataset } = getState();
    if (!accuracy.follow || modelRequest?.kind !== "bundled" || !controls || !image) return false;
    // Images of the user's own may be many, and an interrupted evaluation of them must not be started over.
    if (dataset.request || getState().calibration.cancelled) return false;
    return accuracyKey(controls) !== accuracy.measured;
  }

  function followAccuracy(): void {
    clearTimeout(idle);
    if (isAccuracyDue()) idle = setTimeout(() => isAccuracyDue() && void accuracy.start(), IDLE);
  }

  async function runIntervention(): Promise<void> {
    clearTimeout(idle);
    if (getState().calibration.cancelled) calibration.update({ cancelled: false });
    await lanes.run("intervention");
    followAccuracy();
  }

  function saveLink(): void {
    const link = linkOf(getState());
    if (link) host.writeHash(writeHash(link));
  }

  /** Changes the controls, fits them to the model and runs the intervention lane once they rest. */
  function setControls(change: (controls: Controls) => Controls): void {
    const { controls, model } = getState();
    if (!controls || !model) return;
    const next = clampControls(change(controls), model.spec, model.registers);
    const same = JSON.stringify(toIntervention(next)) === JSON.stringify(toIntervention(controls));
    setState({ controls: next });
    if (same) return;
    clearTimeout(settle);
    settle = setTimeout(() => {
      // Browsers are slow at this, and some refuse it when a dragged slider does it all the time.
      saveLink();
      void runIntervention();
    }, SETTLE);
  }

  const { openDataset, setProbe, openBundledDataset } = datasets;
  const saved = (): SavedEvaluation | null => {
    const key = evaluationKey(getState());
    return key && findSaved(host, key);
  };

  return {
    setControls,

    /** Chooses the images that quantizers are calibrated on: how many of each set, and which sets (null = the data set's probe images). */
    setCalibration({ images, limit }: { images?: readonly ImageSource[] | null; limit?: number }): void {
      setControls(({ calibration: old, ...controls }) => ({
        ...controls,
        calibration: {
          images: images === undefined ? old.images : images ? calibration.chooseOwn(images) : "dataset",
          limit: limit ?? old.limit,
        },
      }));
    },

    /** Ends the calibration that the intervention waits for. */
    async cancelCalibration(): Promise<void> {
      calibration.update({ cancelled: true });
      await Promise.all([api.cancel("openCalibration"), api.cancel("intervention")]).catch(fail);
    },

    /** Opens the calibration images that the controls' quantizer needs. */
    prepareCalibration: calibration.prepare,

    /** Runs the intervention again, after its calibration was cancelled. */
    calibrate: runIntervention,

    saveLink,
    /** The labelled set in use, opened in the current worker. */
    currentDataset: datasets.current,
    openDataset,
    setProbe,
    openBundledDataset,

    /** Analyses the current image in both lanes. */
    async runBoth(): Promise<void> {
      await Promise.all([lanes.run("baseline"), runIntervention()]);
    },

    /** Ends all running work, because its model goes away. */
    abandon(): void {
      clearTimeout(settle);
      clearTimeout(idle);
      lanes.abandon();
      void accuracy.stop().catch(fail);
    },

    startAccuracy: () => accuracy.start().catch(fail),

    /** An interrupted evaluation of what the controls ask for now; null = there is none. */
    savedAccuracy: saved,

    /** An interrupted evaluation of the open encoder on images that are not open; null = there is none. */
    accuracyElsewhere(): EvaluationProgress | null {
      const { model, dataset } = getState();
      const fingerprint = dataset.info?.fingerprint ?? null;
      return model && findElsewhere(host, { model: encoderKey(model), fingerprint });
    },

    /** Goes on with {@link savedAccuracy}, to as many images as it was to take. */
    continueAccuracy(): Promise<void> {
      const found = saved();
      if (found) setState((state) => ({ accuracy: { ...state.accuracy, limit: found.limit } }));
      return accuracy.start(found?.progress).catch(fail);
    },
    stopAccuracy: () => {
      clearTimeout(idle);
      return accuracy.stop().catch(fail);
    },

    /** Changes n, the seed, the probe or whether the accuracy follows; the report shown stays until the next start. */
    setAccuracy(change: Partial<Pick<LabState["accuracy"], "limit" | "seed" | "probe" | "follow">>): void {
      setState((state) => ({ accuracy: { ...state.accuracy, ...change } }));
      followAccuracy();
    },
  };
}
