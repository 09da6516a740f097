import type { RunResult } from "../trace/layer-trace.ts";
import { cosine } from "./cosine.ts";
import { pairedDifference } from "./paired.ts";
import type { ConfigurationResult } from "./report.ts";
import { wilsonInterval } from "./wilson.ts";

/** Counts one configuration against FP32 over the same images. */
export class Tally {
  #n = 0;
  #both = 0;
  #only = 0;
  #fpOnly = 0;
  #cosines = 0;

  constructor(readonly name: string) {}

  /** Adds one image: whether this configuration and FP32 were right, and both runs. */
  add(right: boolean, fpRight: boolean, run: RunResult, fpRun: RunResult): void {
    this.#n++;
    if (right && fpRight) this.#both++;
    else if (right) this.#only++;
    else if (fpRight) this.#fpOnly++;
    this.#cosines += cosine(run.feature, fpRun.feature);
  }

  /** @param isBaseline whether this is FP32 itself, whose difference to itself is exactly 0 */
  result(isBaseline: boolean): ConfigurationResult {
    const correct = this.#both + this.#only;
    const neither = this.#n - correct - this.#fpOnly;
    return {
      name: this.name,
      correct,
      top1: correct / this.#n,
      interval: wilsonInterval(correct, this.#n),
      meanCosine: this.#cosines / this.#n,
      difference: isBaseline
        ? { value: 0, interval: [0, 0] }
        : pairedDifference({
            both: this.#both,
            firstOnly: this.#only,
            secondOnly: this.#fpOnly,
            neither,
          }),
    };
  }
}
