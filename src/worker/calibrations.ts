import type { Engine } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { type CalibrationSetOptions, calibrationSet, calibrationSets } from "../evaluate/calibration.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { statisticsKind } from "../quantize/statistics.ts";
import type { CalibrationInfo, CalibrationRequest, Progress } from "./api.ts";

/** Order of the images, of which the first are taken; that of the command line. */
const SEED = 0;

/** Calibration images of the loaded model, by the names that the page gives them. */
export class Calibrations {
  readonly #opened = new Map<string, { readonly id: string; readonly isProbe: boolean }>();
  /** Works that may wait for a calibration; they share the engine, so each is told whatever it does. */
  readonly #waiting = new Set<(progress: Progress) => unknown>();

  /**
   * Gives the engine the first images of each of some sets to calibrate on; unreadable ones are left out.
   * @param options.onProgress told while the images of each set are read
   * @throws InputError for no images, or none that can be read; CancelledError on abort
   */
  async add(
    engine: Engine,
    { name, images, limit }: CalibrationRequest,
    sets: readonly LabelledSet[],
    options: Pick<CalibrationSetOptions, "signal" | "onProgress"> = {},
  ): Promise<CalibrationInfo> {
    const prepare = (image: Parameters<typeof prepareImage>[0]) =>
      prepareImage(image, engine.spec.preprocess).pixels;
    const read = (set: LabelledSet) => calibrationSet(set, prepare, { seed: SEED, limit, ...options });
    const { all } = await calibrationSets(sets, "Calibration", read);
    const { count, load, skipped } = all;
    const isProbe = images.kind === "probe";
    const id = `${isProbe ? images.dataset : name}, ${count} of ${all.name}`;
    const onProgress = (stage: string, done: number, total: number) =>
      Promise.all([...this.#waiting].map((tell) => tell({ stage, done, total })));
    engine.addCalibration({ id, count, load, onProgress });
    this.#opened.set(name, { id, isProbe });
    return { name, count, set: all.name, skipped };
  }

  /**
   * The intervention as the engine knows its images.
   * @throws InputError when it needs images that are not open
   */
  resolve(intervention: Intervention): Intervention {
    const { quantize } = intervention;
    if (!quantize || !statisticsKind(quantize)) return intervention;
    return { ...intervention, quantize: { ...quantize, calibration: this.#named(quantize.calibration).id } };
  }

  /** Whether an intervention is calibrated on the probe images of the data set, which then must not be evaluated. */
  takesProbe({ quantize }: Intervention): boolean {
    return (
      quantize !== null && statisticsKind(quantize) !== null && this.#named(quantize.calibration).isProbe
    );
  }

  /** Runs work that is told what calibration does meanwhile. */
  async telling<T>(tell: (progress: Progress) => unknown, work: () => Promise<T>): Promise<T> {
    this.#waiting.add(tell);
    try {
      return await work();
    } finally {
      this.#waiting.delete(tell);
    }
  }

  #named(name = "none") {
    const found = this.#opened.get(name);
    if (found) return found;
    throw new InputError("Calibration", "images that are open", name, "Choose the calibration images again.");
  }
}
