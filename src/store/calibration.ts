import type { StoreApi } from "zustand/vanilla";
import type { EncoderSpec } from "../encoder/spec.ts";
import { CancelledError } from "../errors/input-error.ts";
import { statisticsKind } from "../quantize/statistics.ts";
import type { CalibrationInfo, DatasetInfo, ImageSource, LabApi, Progress } from "../worker/api.ts";
import { type Controls, quantizationOf } from "./controls.ts";
import { calibrationName } from "./quantizer.ts";
import type { LabState } from "./state.ts";

/** The images that calibrated quantizers take their statistics over, and what calibration does now. */
export interface CalibrationState {
  /** Images of the user's own; null = none were chosen. */
  readonly own: { readonly number: number; readonly sources: readonly ImageSource[] } | null;
  /** As the current worker opened them. */
  readonly opened: CalibrationInfo | null;
  /** While the intervention waits for its calibration. */
  readonly progress: Progress | null;
  /** The user ended it, so the intervention is not up to date. */
  readonly cancelled: boolean;
}

export const NO_CALIBRATION: CalibrationState = { own: null, opened: null, progress: null, cancelled: false };

/** Whether the quantizer that the controls show is calibrated; accuracy is measured with it even while they say FP32. */
export function isCalibrated(controls: Controls): boolean {
  return statisticsKind(quantizationOf(controls)) !== null;
}

/**
 * Opens calibration images in the current worker.
 * @param dataset the data set in use, opened
 */
export function createCalibration(
  api: LabApi,
  store: StoreApi<LabState>,
  dataset: () => Promise<DatasetInfo>,
) {
  let opening: Opening | null = null;

  const update = (change: Partial<CalibrationState>) =>
    store.setState((state) => ({ calibration: { ...state.calibration, ...change } }));

  return {
    update,

    /**
     * Opens the chosen images where the controls need them and they are not open yet. Who needs the same images meanwhile waits
     * with the first.
     * @param tell called while they are read
     * @throws InputError when they cannot be opened; CancelledError when reading was cancelled, or other images were chosen
     */
    async prepare(tell: Tell): Promise<void> {
      const { controls, model, calibration } = store.getState();
      if (!controls || !isCalibrated(controls)) return;
      const { images, limit } = controls.calibration;
      const name = calibrationName(controls.calibration);
      const { own, opened } = calibration;
      if (opened?.name === name) return;
      const sources = images === own?.number ? own.sources : null;
      const set = sources ? null : await dataset();
      // Other images may have been chosen while the data set was opened, and are being read already.
      const isWanted = () => nameOfWanted(store.getState()) === name;
      if (!isWanted()) throw new CancelledError("Opening the calibration images");
      const from = sources
        ? ({ kind: "own", sources } as const)
        : ({ kind: "probe", dataset: set!.id } as const);
      const key = { name, spec: model?.spec, set: set?.id ?? null };
      if (!opening || !isSame(opening.key, key)) {
        const listeners = new Set<Tell>();
        const tellAll: Tell = (progress) => {
          for (const each of listeners) each(progress);
        };
        const started: Opening = {
          ...{ key, listeners },
          done: api.openCalibration({ name, images: from, limit }, tellAll).finally(() => {
            if (opening === started) opening = null;
          }),
        };
        opening = started;
      }
      opening.listeners.add(tell);
      const info = await opening.done;
      // Another model or data set may have come meanwhile, for which they must be opened again.
      const now = store.getState();
      const isHere = now.model?.spec === key.spec && (!set || now.dataset.info?.id === set.id);
      if (isWanted() && isHere) update({ opened: info });
    },

    /** Images of the user's own from now on. */
    chooseOwn(sources: readonly ImageSource[]): number {
      const number = (store.getState().calibration.own?.number ?? 0) + 1;
      update({ own: { number, sources } });
      return number;
    },

    /** What was opened belongs to another data set or worker. */
    forget() {
      opening = null;
      update({ opened: null, progress: null, cancelled: false });
    },
  };
}

/** The images that the controls ask for; null = none. */
const nameOfWanted = ({ controls }: LabState) =>
  controls && isCalibrated(controls) ? calibrationName(controls.calibration) : null;

type Tell = (progress: Progress) => void;

/** Images that are being opened, and who waits for them. */
interface Opening {
  readonly key: {
    readonly name: string;
    /** Every model that is opened, and with it every worker, has a spec of its own. */
    readonly spec: EncoderSpec | undefined;
    readonly set: string | null;
  };
  readonly listeners: Set<Tell>;
  readonly done: Promise<CalibrationInfo>;
}

const isSame = (a: Opening["key"], b: Opening["key"]) =>
  a.name === b.name && a.spec === b.spec && a.set === b.set;
