import { median } from "d3-array";
import type { RunResult } from "../trace/layer-trace.ts";
import { cosine } from "./cosine.ts";
import { pairedDifference } from "./paired.ts";
import type { ConfigurationCounts, ConfigurationResult } from "./report.ts";
import { wilsonInterval } from "./wilson.ts";

/** Counts one configuration (first) against FP32 (second) over the same images. */
export class Tally {
  #counts: ConfigurationCounts;
  /** Of the images added here: times of another session say nothing about this machine. */
  readonly #milliseconds: number[] = [];
  #weightBytes = 0;

  /** @param counts of an evaluation that is continued */
  constructor(
    readonly name: string,
    counts: ConfigurationCounts = { both: 0, firstOnly: 0, secondOnly: 0, neither: 0, cosines: 0 },
  ) {
    this.#counts = counts;
  }

  get counts(): ConfigurationCounts {
    return this.#counts;
  }

  /** Adds one image: whether this configuration and FP32 were right, and both runs. */
  add(right: boolean, fpRight: boolean, run: RunResult, fpRun: RunResult): void {
    const key = right ? (fpRight ? "both" : "firstOnly") : fpRight ? "secondOnly" : "neither";
    const counts = this.#counts;
    this.#counts = {
      ...counts,
      [key]: counts[key] + 1,
      cosines: counts.cosines + cosine(run.feature, fpRun.feature),
    };
    this.#milliseconds.push(run.cost.milliseconds);
    this.#weightBytes = run.cost.weightBytes;
  }

  /** @param isBaseline whether this is FP32 itself, whose difference to itself is exactly 0 */
  result(isBaseline: boolean): ConfigurationResult {
    const counts = this.#counts;
    const { both, firstOnly, secondOnly, neither, cosines } = counts;
    const correct = both + firstOnly;
    const n = correct + secondOnly + neither;
    return {
      name: this.name,
      correct,
      top1: correct / n,
      interval: wilsonInterval(correct, n),
      meanCosine: cosines / n,
      millisecondsPerImage: median(this.#milliseconds) ?? 0,
      weightBytes: this.#weightBytes,
      difference: isBaseline ? { value: 0, interval: [0, 0] } : pairedDifference(counts),
      counts,
    };
  }
}
