import { maxIndex } from "d3-array";
import { InputError } from "../errors/input-error.ts";
import type { Head } from "./head.ts";
import { type LabelledFeatures, requireReadable } from "./probe.ts";

/** DINO's settings (2104.14294, section 4.1; its eval_knn.py). */
export const NEIGHBOURS = 20;
const TEMPERATURE = 0.07;

/**
 * Weighted nearest neighbours as DINO and DINOv2 are evaluated: the k = 20 training features with the largest cosine to
 * the image's vote for their class with weight exp(cosine / 0.07). Features are normalised, not standardised.
 * @throws InputError when there are no training images
 */
export function nearestNeighbours(data: LabelledFeatures, k = NEIGHBOURS): Head {
  requireReadable(data);
  const n = data.features.length;
  if (n === 0) {
    throw new InputError("Training images of the probe", "at least one image", "none", "Add images.");
  }
  const rows = data.features.map(normalised);
  const count = Math.min(k, n);
  return {
    describe: `${count} nearest neighbours (cosine, temperature ${TEMPERATURE}) of ${n} images`,
    classify: ({ feature }) => {
      const x = normalised(feature);
      const cosines = rows.map((row) => row.reduce((sum, value, d) => sum + value * x[d]!, 0));
      const nearest = [...cosines.keys()].sort((a, b) => cosines[b]! - cosines[a]!).slice(0, count);
      const votes = new Float64Array(data.classes);
      for (const i of nearest) votes[data.labels[i]!]! += Math.exp(cosines[i]! / TEMPERATURE);
      return maxIndex(votes);
    },
  };
}

function normalised(feature: Float32Array): Float64Array {
  const norm = Math.hypot(...feature) || 1;
  return Float64Array.from(feature, (value) => value / norm);
}
