import type { Intervention } from "../intervention/intervention.ts";
import type { PairedCounts } from "./paired.ts";
import type { Skipped } from "./skipped.ts";

/** A named intervention that is evaluated, e.g. `naive-w8a8`. The first one of a list is FP32. */
export interface Configuration {
  readonly name: string;
  readonly intervention: Intervention;
}

/** A proportion or difference with its 95 % interval. */
export type Interval = readonly [low: number, high: number];

/** Counts of one configuration beside FP32 over the same images: all that an evaluation must remember. */
export interface ConfigurationCounts extends PairedCounts {
  /** Sum of the cosines behind `meanCosine`. */
  readonly cosines: number;
}

export interface ConfigurationResult {
  readonly name: string;
  readonly correct: number;
  /** correct / n */
  readonly top1: number;
  /** Wilson score, 95 %. */
  readonly interval: Interval;
  /** Mean cosine of the pooled feature to FP32's on the same image. */
  readonly meanCosine: number;
  /**
   * Median over the images of what its chain takes on this machine and backend, instruments included; images of a batch share its
   * time equally.
   */
  readonly millisecondsPerImage: number;
  /** Bytes of the blocks' linear weights while it runs (quantize/weight-bytes.ts). */
  readonly weightBytes: number;
  /** top1 minus the first configuration's, paired over the same images, with its 95 % interval. */
  readonly difference: { readonly value: number; readonly interval: Interval };
  /** What the above is computed from. */
  readonly counts: ConfigurationCounts;
}

/** As much of a report as an evaluation needs to be continued. */
export interface EvaluationProgress
  extends Pick<EvaluationReport, "n" | "total" | "skipped" | "seed" | "batch" | "dataset" | "head"> {
  readonly configurations: readonly Pick<ConfigurationResult, "name" | "counts">[];
}

/** Running or final state of an evaluation: every configuration has seen the same n images in the same order. */
export interface EvaluationReport {
  /** Images counted so far. */
  readonly n: number;
  /** Images in all, unreadable ones among them. */
  readonly total: number;
  /** Images so far that could not be read and are left out of n; messages of the first few. */
  readonly skipped: Skipped;
  readonly seed: number;
  /** Images that share their activation ranges, in the seed's order: B where ranges are per batch, else 1. */
  readonly batch: number;
  readonly dataset: string;
  /** How a label is read off the feature: e.g. "own head", "nearest class mean, fitted on 200 images". */
  readonly head: string;
  readonly configurations: readonly ConfigurationResult[];
}
