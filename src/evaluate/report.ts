import type { Intervention } from "../intervention/intervention.ts";

/** A named intervention that is evaluated, e.g. `naive-w8a8`. The first one of a list is FP32. */
export interface Configuration {
  readonly name: string;
  readonly intervention: Intervention;
}

/** A proportion or difference with its 95 % interval. */
export type Interval = readonly [low: number, high: number];

export interface ConfigurationResult {
  readonly name: string;
  readonly correct: number;
  /** correct / n */
  readonly top1: number;
  /** Wilson score, 95 %. */
  readonly interval: Interval;
  /** Mean cosine of the pooled feature to FP32's on the same image. */
  readonly meanCosine: number;
  /** top1 minus the first configuration's, paired over the same images, with its 95 % interval. */
  readonly difference: { readonly value: number; readonly interval: Interval };
}

/** Running or final state of an evaluation: every configuration has seen the same n images in the same order. */
export interface EvaluationReport {
  readonly n: number;
  readonly total: number;
  readonly seed: number;
  readonly dataset: string;
  /** How a label is read off the feature: e.g. "own head", "nearest class mean, fitted on 200 images". */
  readonly head: string;
  readonly configurations: readonly ConfigurationResult[];
}
