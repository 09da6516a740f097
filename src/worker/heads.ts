import type { Engine } from "../engine/types.ts";
import { collectFeaturesWith } from "../evaluate/features.ts";
import { fitProbe } from "../evaluate/fit-probe.ts";
import type { Head } from "../evaluate/head.ts";
import type { ImageRunner } from "../evaluate/image-runner.ts";
import type { LabelledFeatures } from "../evaluate/probe.ts";
import { requireSplittable } from "../evaluate/split.ts";
import type { HeadChoice } from "../evaluate/unfitted-head.ts";
import type { OpenDataset } from "./datasets.ts";

interface FitOptions {
  readonly signal: AbortSignal;
  /** Called while a probe's training images run. */
  readonly onProgress: (stage: string, done: number, total: number) => void;
}

/** Training images of a probe by engine and data set: hundreds are run, and nothing but these changes their features. */
const trained = new WeakMap<Engine, WeakMap<OpenDataset, TrainingFeatures>>();

interface TrainingFeatures {
  readonly data: LabelledFeatures;
  readonly origin: string;
  /** Heads that were fitted, by choice: ridge takes seconds at a wide feature. */
  readonly heads: Map<string, Head>;
}

/**
 * The chosen probe, fitted on the data set's probe images; it may be judged on the others only. Fitted ones are kept.
 * @throws InputError when a class has too few images to be split, or none of the images can be read; CancelledError on abort
 */
export async function fittedHead(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  { probe }: Pick<HeadChoice, "probe">,
  options: FitOptions,
): Promise<Head> {
  const { data, origin, heads } = await trainingFeatures(engine, runners, dataset, options);
  const key = JSON.stringify(probe);
  const known = heads.get(key);
  if (known) return known;
  const head = fitProbe(probe, data);
  const made = { ...head, describe: `${head.describe} of ${origin}` };
  heads.set(key, made);
  return made;
}

async function trainingFeatures(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  { signal, onProgress }: FitOptions,
): Promise<TrainingFeatures> {
  const ofEngine = trained.get(engine) ?? new WeakMap<OpenDataset, TrainingFeatures>();
  trained.set(engine, ofEngine);
  const known = ofEngine.get(dataset);
  if (known) return known;
  const { probe, test, origin } = await dataset.probeParts();
  // Where they are held out, a class of one image would be missing in one part or the other.
  if (test !== dataset.whole) requireSplittable(dataset.whole);
  const data = await collectFeaturesWith(runners, probe, {
    signal,
    onProgress: (done, total) => onProgress("Fitting the probe (images)", done, total),
  });
  const made = { data, origin, heads: new Map<string, Head>() };
  ofEngine.set(dataset, made);
  return made;
}
