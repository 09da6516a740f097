import { NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import { leastError } from "./least-error.ts";
import type { ExperimentSubject } from "./prepare-search.ts";

/** Shares of the dynamic range that clipping is tried at. */
const CLIP_RATIOS = [0.9, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02];

/** Multiples of the tokens' median L-inf above which a token is left out of the range; 64 is PrefixQuant's. */
const OUTLIER_RATIOS = [4, 8, 16, 32, 64];

/** The quantizer with its activations clipped, at the ratio with the least feature error on the calibration images. */
export function chooseClip(subject: ExperimentSubject): Promise<Quantization> {
  const at = (ratio: number): Quantization => ({ ...subject.quantize, clip: { kind: "ratio", ratio } });
  return ofLeastError(subject, "Choosing a clip", CLIP_RATIOS.map(at));
}

/** The quantizer with outlier tokens left out of its ranges, likewise. */
export function chooseExclusion(subject: ExperimentSubject): Promise<Quantization> {
  const at = (above: number): Quantization => ({
    ...subject.quantize,
    excludeOutliers: { kind: "ratio", above },
  });
  return ofLeastError(subject, "Choosing outliers to exclude", OUTLIER_RATIOS.map(at));
}

async function ofLeastError(
  subject: ExperimentSubject,
  stage: string,
  candidates: readonly Quantization[],
): Promise<Quantization> {
  const interventions = candidates.map((quantize) => ({ ...NO_INTERVENTION, quantize }));
  return candidates[await leastError(subject, stage, interventions)]!;
}
