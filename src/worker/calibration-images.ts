import type { Engine } from "../engine/types.ts";
import { calibrationSet } from "../evaluate/calibration.ts";
import { prepareImage } from "../image/preprocess.ts";
import { CALIBRATION_IMAGES } from "../quantize/calibrate.ts";
import type { OpenDataset } from "./datasets.ts";

/** Order of the images that are calibrated on. */
const SEED = 0;

/**
 * Gives an engine the first probe images of a data set to calibrate on, and returns their id. They are never test images.
 * @throws InputError when the set is too small to be split
 */
export async function addCalibrationImages(engine: Engine, dataset: OpenDataset): Promise<string> {
  const { probe } = await dataset.probeParts();
  const { preprocess } = engine.spec;
  const images = calibrationSet(probe, (image) => prepareImage(image, preprocess).pixels, {
    seed: SEED,
    limit: CALIBRATION_IMAGES,
  });
  const id = `${dataset.info.id}, ${images.count} of ${probe.name}`;
  engine.addCalibration({ id, count: images.count, load: (i) => images.load(i) });
  return id;
}
