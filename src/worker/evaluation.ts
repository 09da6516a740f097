import type { Engine } from "../engine/types.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { evaluateWith } from "../evaluate/evaluate.ts";
import { collectFeaturesWith } from "../evaluate/features.ts";
import { DEFAULT_PROBE, fitProbe, type ProbeChoice } from "../evaluate/fit-probe.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import { engineRunner, type ImageRunner } from "../evaluate/image-runner.ts";
import type { LabelledFeatures } from "../evaluate/probe.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { zeroShotHeadOfFolders } from "../evaluate/zero-shot.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { EvaluationRequest } from "./api.ts";
import type { OpenDataset } from "./datasets.ts";

/** Training images of a probe by engine and data set: hundreds are run, and nothing but these changes their features. */
const trained = new WeakMap<Engine, WeakMap<OpenDataset, TrainingFeatures>>();

interface TrainingFeatures {
  readonly data: LabelledFeatures;
  readonly test: LabelledSet;
  readonly origin: string;
  /** Heads that were fitted, by choice: ridge takes seconds at a wide feature. */
  readonly heads: Map<string, Head>;
}

/** A head and the images that it may be judged on. */
interface HeadAndSet {
  readonly head: Head;
  readonly set: LabelledSet;
}

/**
 * Evaluates an opened data set. An encoder whose own classes are the set's is read by its own head, one whose class
 * embeddings cover them zero-shot; any other one by the chosen probe, fitted on images that are not evaluated.
 * @throws InputError, CancelledError as {@link evaluateWith}
 */
export async function* evaluateDataset(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  request: EvaluationRequest,
  signal: AbortSignal,
): AsyncGenerator<EvaluationReport, void> {
  const { head, set } = await headFor(engine, runners, dataset, request, signal);
  const { configurations, limit, seed, resume } = request;
  yield* evaluateWith(runners, set, configurations, head, { seed, limit, resume, signal });
}

/** {@link headFor} on one engine of this thread: the own head, or nearest class mean. */
export function evaluationHead(
  engine: Engine,
  dataset: OpenDataset,
  prepare: (image: RgbaImage) => Float32Array,
  signal: AbortSignal = new AbortController().signal,
): Promise<HeadAndSet> {
  return headFor(
    engine,
    [engineRunner(engine, prepare)],
    dataset,
    { classEmbeddings: null, probe: DEFAULT_PROBE },
    signal,
  );
}

/** The head of a data set, and the images that it may be judged on; a fitted one is kept. */
async function headFor(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  { classEmbeddings, probe }: Pick<EvaluationRequest, "classEmbeddings" | "probe">,
  signal: AbortSignal,
): Promise<HeadAndSet> {
  const { whole } = dataset;
  const { classNames } = engine.spec;
  if (classNames && whole.classes.every((name) => classNames.includes(name))) {
    return { head: ownHead(engine.spec, whole.classes), set: whole };
  }
  const zeroShot = classEmbeddings && zeroShotHeadOfFolders(classEmbeddings, whole.classes);
  if (zeroShot) return { head: zeroShot, set: whole };
  const features = await trainingFeatures(engine, runners, dataset, signal);
  return { head: fittedHead(features, probe), set: features.test };
}

async function trainingFeatures(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  signal: AbortSignal,
): Promise<TrainingFeatures> {
  const ofEngine = trained.get(engine) ?? new WeakMap<OpenDataset, TrainingFeatures>();
  trained.set(engine, ofEngine);
  const known = ofEngine.get(dataset);
  if (known) return known;
  const { probe, test, origin } = await dataset.probeParts();
  const data = await collectFeaturesWith(runners, probe, { signal });
  const made = { data, test, origin, heads: new Map<string, Head>() };
  ofEngine.set(dataset, made);
  return made;
}

function fittedHead({ data, origin, heads }: TrainingFeatures, choice: ProbeChoice): Head {
  const key = JSON.stringify(choice);
  const known = heads.get(key);
  if (known) return known;
  const head = fitProbe(choice, data);
  const made = { ...head, describe: `${head.describe} of ${origin}` };
  heads.set(key, made);
  return made;
}
