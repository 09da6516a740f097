import { minIndex } from "d3-array";
import { throwIfCancelled } from "../errors/input-error.ts";
import { meanSquaredError } from "../evaluate/feature-error.ts";
import { runToEnd } from "../evaluate/run-image.ts";
import { NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import type { ExperimentSubject } from "./prepare-search.ts";

/** Images that a quantizer's one parameter is chosen on. */
const IMAGES = 16;

/** Shares of the dynamic range that clipping is tried at. */
const CLIP_RATIOS = [0.9, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02];

/** Multiples of the tokens' median L-inf above which a token is left out of the range; 64 is PrefixQuant's. */
const OUTLIER_RATIOS = [4, 8, 16, 32, 64];

/** The quantizer with its activations clipped, at the ratio with the least feature error on the calibration images. */
export function chooseClip(subject: ExperimentSubject): Promise<Quantization> {
  const at = (ratio: number): Quantization => ({ ...subject.quantize, clip: { kind: "ratio", ratio } });
  return leastError(subject, "Choosing a clip", CLIP_RATIOS.map(at));
}

/** The quantizer with outlier tokens left out of its ranges, likewise. */
export function chooseExclusion(subject: ExperimentSubject): Promise<Quantization> {
  const at = (above: number): Quantization => ({
    ...subject.quantize,
    excludeOutliers: { kind: "ratio", above },
  });
  return leastError(subject, "Choosing outliers to exclude", OUTLIER_RATIOS.map(at));
}

/** @throws InputError when the engine does not run such a quantizer; CancelledError on abort */
async function leastError(
  { engine, images, signal, onProgress }: ExperimentSubject,
  stage: string,
  candidates: readonly Quantization[],
): Promise<Quantization> {
  const errors = candidates.map(() => 0);
  const n = Math.min(IMAGES, images.count);
  for (let i = 0; i < n; i++) {
    throwIfCancelled(signal, stage);
    const input = await images.load(i);
    const fp = await runToEnd(engine, input, NO_INTERVENTION, signal);
    for (const [c, quantize] of candidates.entries()) {
      const { feature } = await runToEnd(engine, input, { ...NO_INTERVENTION, quantize }, signal);
      errors[c]! += meanSquaredError(feature, fp.feature);
    }
    onProgress?.(stage, i + 1, n);
  }
  return candidates[minIndex(errors)]!;
}
