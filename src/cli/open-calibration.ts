import { InputError } from "../errors/input-error.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import type { Quantization } from "../intervention/intervention.ts";
import { CALIBRATION_IMAGES } from "../quantize/calibrate.ts";
import { statisticsKind } from "../quantize/statistics.ts";
import { openCalibrationSets, readSet } from "./open-images.ts";
import type { OpenModel } from "./open-model.ts";
import { createProgress } from "./output.ts";

/** `--calibrate data=FOLDER,data=FOLDER,limit=32`. */
export interface CalibrateFlag {
  /** Folders, of which the union is taken. */
  readonly data: readonly string[];
  /** Images of each folder. */
  readonly limit: number;
}

/** A folder, or a set that is opened only when it is needed. */
export type CalibrationSource = CalibrateFlag | (() => Promise<LabelledSet>);

/**
 * The quantization with images to calibrate on, where it needs them; they are added to the engine, which runs them when a
 * configuration first needs their statistics.
 * @throws InputError when it needs images and there are none that can be read; CancelledError on abort
 */
export async function calibrated(
  model: OpenModel,
  quantize: Quantization,
  images: CalibrationSource | undefined,
  signal?: AbortSignal,
): Promise<Quantization> {
  if (statisticsKind(quantize) === null) return quantize;
  if (!images) {
    const got = "no images to calibrate on";
    throw new InputError("--quantize", "--calibrate data=FOLDER for it", got, "Add --calibrate.");
  }
  if (typeof images !== "function") {
    const { all } = await openCalibrationSets(model, "--calibrate", images, signal);
    return withImages(model, quantize, all, all.count);
  }
  return withImages(
    model,
    quantize,
    await readSet(model, await images(), { seed: 0, limit: CALIBRATION_IMAGES, signal }),
  );
}

/** {@link calibrated} on images that are open already, the first `limit` of them. */
export function withImages(
  { engine }: OpenModel,
  quantize: Quantization,
  images: Pick<CalibrationSet, "name" | "count" | "digest" | "load">,
  limit: number = CALIBRATION_IMAGES,
): Quantization {
  if (statisticsKind(quantize) === null) return quantize;
  const count = Math.min(images.count, limit);
  const calibration = `${images.name}-${count}-${images.digest.slice(0, 8)}`;
  engine.addCalibration({
    ...{ id: calibration, count },
    load: (i) => images.load(i),
    onProgress: createProgress(),
  });
  return { ...quantize, calibration };
}
