import type { Engine } from "../engine/types.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { evaluateWith } from "../evaluate/evaluate.ts";
import { collectFeaturesWith } from "../evaluate/features.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import { engineRunner, type ImageRunner } from "../evaluate/image-runner.ts";
import { nearestClassMean } from "../evaluate/probe.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { zeroShotHeadOfFolders } from "../evaluate/zero-shot.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { EvaluationRequest } from "./api.ts";
import type { OpenDataset } from "./datasets.ts";

/** Fitted probes by engine and data set: fitting runs hundreds of images, and nothing but these changes it. */
const probes = new WeakMap<Engine, WeakMap<OpenDataset, HeadAndSet>>();

/** A head and the images that it may be judged on. */
interface HeadAndSet {
  readonly head: Head;
  readonly set: LabelledSet;
}

/**
 * Evaluates an opened data set. An encoder whose own classes are the set's is read by its own head, one whose class
 * embeddings cover them zero-shot; any other one by a nearest-class-mean probe, fitted on images that are not evaluated.
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

/** {@link headFor} on one engine of this thread: the own head, or a fitted one. */
export function evaluationHead(
  engine: Engine,
  dataset: OpenDataset,
  prepare: (image: RgbaImage) => Float32Array,
  signal: AbortSignal = new AbortController().signal,
): Promise<HeadAndSet> {
  return headFor(engine, [engineRunner(engine, prepare)], dataset, { classEmbeddings: null }, signal);
}

/** The head of a data set, and the images that it may be judged on; a fitted one is kept. */
async function headFor(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  { classEmbeddings }: Pick<EvaluationRequest, "classEmbeddings">,
  signal: AbortSignal,
): Promise<HeadAndSet> {
  const { whole } = dataset;
  const { classNames } = engine.spec;
  if (classNames && whole.classes.every((name) => classNames.includes(name))) {
    return { head: ownHead(engine.spec, whole.classes), set: whole };
  }
  const zeroShot = classEmbeddings && zeroShotHeadOfFolders(classEmbeddings, whole.classes);
  if (zeroShot) return { head: zeroShot, set: whole };
  const fitted = probes.get(engine) ?? new WeakMap<OpenDataset, HeadAndSet>();
  probes.set(engine, fitted);
  const known = fitted.get(dataset);
  if (known) return known;
  const { probe, test, origin } = await dataset.probeParts();
  const head = nearestClassMean(await collectFeaturesWith(runners, probe, { signal }));
  const made = { head: { ...head, describe: `${head.describe} of ${origin}` }, set: test };
  fitted.set(dataset, made);
  return made;
}
