import type { ExperimentRequest } from "../worker/experiment-api.ts";
import type { Controls } from "./controls.ts";
import {
  bitsOf,
  type CalibrationChoice,
  calibrationName,
  calibrationNamed,
  changeQuantizer,
  quantizerOf,
} from "./quantizer.ts";

/** What the controls say of a quantizer. */
export type QuantizerControls = Pick<Controls, "bits" | "weightGranularity" | "quantizer" | "calibration">;

/**
 * The controls' quantizer once they take over a setting of an experiment. What ran as the controls said is what they say again. What
 * ran with the plain quantizer was chosen at its bits, and these are all that is taken over: the rest stays the user's.
 * @param own number of the images of the user's own that are open; undefined = none are
 */
export function adoptedQuantizer(
  controls: QuantizerControls,
  { quantize, quantizer: from }: Pick<ExperimentRequest, "quantize" | "quantizer">,
  own?: number,
): QuantizerControls {
  const { weightGranularity, calibration } = controls;
  if (from === "plain" && controls.bits !== "fp32") {
    return { ...changeQuantizer(controls, { bits: bitsOf(quantize) }), weightGranularity, calibration };
  }
  return {
    bits: bitsOf(quantize),
    weightGranularity: quantize.weightGranularity,
    quantizer: quantizerOf(quantize),
    calibration: calibrationAgain(quantize.calibration, calibration, own),
  };
}

/** The images that a name means; those of now where it names none, or images that are no longer open. */
function calibrationAgain(
  name: string | undefined,
  now: CalibrationChoice,
  own: number | undefined,
): CalibrationChoice {
  if (name === undefined || name === calibrationName(now)) return now;
  const [, images, limit] = /^own(\d+)-(\d+)$/.exec(name) ?? [];
  if (images === undefined) return calibrationNamed(name);
  return Number(images) === own ? { images: own, limit: Number(limit) } : now;
}
