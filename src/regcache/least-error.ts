import { minIndex } from "d3-array";
import { throwIfCancelled } from "../errors/input-error.ts";
import { meanSquaredError } from "../evaluate/feature-error.ts";
import { runToEnd } from "../evaluate/run-image.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import type { ExperimentSubject } from "./prepare-search.ts";

/** Images that a comparison's one parameter is chosen on. */
const IMAGES = 16;

/**
 * Index of the candidate with the least feature error to FP on the first calibration images; the earlier one of equals.
 * @throws InputError when the engine does not run one of them; CancelledError on abort
 */
export async function leastError(
  { engine, images, signal, onProgress }: ExperimentSubject,
  stage: string,
  candidates: readonly Intervention[],
): Promise<number> {
  const errors = candidates.map(() => 0);
  const n = Math.min(IMAGES, images.count);
  for (let i = 0; i < n; i++) {
    throwIfCancelled(signal, stage);
    const input = await images.load(i);
    const fp = await runToEnd(engine, input, NO_INTERVENTION, signal);
    for (const [c, candidate] of candidates.entries()) {
      const { feature } = await runToEnd(engine, input, candidate, signal);
      errors[c]! += meanSquaredError(feature, fp.feature);
    }
    onProgress?.(stage, i + 1, n);
  }
  return minIndex(errors);
}
