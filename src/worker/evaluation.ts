import type { Engine } from "../engine/types.ts";
import { evaluateWith } from "../evaluate/evaluate.ts";
import type { ImageRunner } from "../evaluate/image-runner.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { unfittedHead } from "../evaluate/unfitted-head.ts";
import type { EvaluationRequest, Progress } from "./api.ts";
import type { OpenDataset } from "./datasets.ts";
import { fittedHead } from "./heads.ts";

/** An evaluation whose calibration images the engine knows. */
export interface ResolvedEvaluation extends EvaluationRequest {
  /** Whether a quantizer is calibrated on the data set's probe images, which are then not evaluated. */
  readonly sparesProbe: boolean;
}

/**
 * Evaluates an opened data set. An encoder whose own classes are the set's is read by its own head, one whose class
 * embeddings cover them zero-shot; any other one by the chosen probe. Images that a probe is fitted on, or a quantizer calibrated
 * on, are not evaluated.
 * @param onPreparing called while a probe is fitted
 * @throws InputError, CancelledError as {@link evaluateWith}
 */
export async function* evaluateDataset(
  engine: Engine,
  runners: readonly ImageRunner[],
  dataset: OpenDataset,
  request: ResolvedEvaluation,
  signal: AbortSignal,
  onPreparing: (progress: Progress) => void = () => {},
): AsyncGenerator<EvaluationReport, void> {
  const { configurations, limit, seed, resume, sparesProbe } = request;
  const onProgress = (stage: string, done: number, total: number) => onPreparing({ stage, done, total });
  const unfitted = unfittedHead(engine.spec, dataset.whole.classes, request.classEmbeddings);
  const head = unfitted ?? (await fittedHead(engine, runners, dataset, request, { signal, onProgress }));
  const set = unfitted && !sparesProbe ? dataset.whole : (await dataset.probeParts()).test;
  yield* evaluateWith(runners, set, configurations, head, { seed, limit, resume, signal });
}
