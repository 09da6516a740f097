import type { Engine } from "../engine/types.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { evaluateWith } from "../evaluate/evaluate.ts";
import type { ImageRunner } from "../evaluate/image-runner.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { unfittedHead } from "../evaluate/unfitted-head.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { EvaluationRequest, Progress } from "./api.ts";
import type { OpenDataset } from "./datasets.ts";
import { fittedHead } from "./heads.ts";

/** An evaluation whose calibration images the engine knows. */
export interface ResolvedEvaluation extends Omit<EvaluationRequest, "choseOnProbe"> {
  /** Whether something is learnt from the data set's probe images, which are then not evaluated. */
  readonly sparesProbe: boolean;
  /** Whether registers were curated from the fifth that was held out when the same images had no training set. */
  readonly sparesFifth: boolean;
}

/**
 * Evaluates an opened data set. An encoder whose own classes are the set's is read by its own head, one whose class
 * embeddings cover them zero-shot; any other one by the chosen probe. Images that a probe is fitted on, a quantizer calibrated
 * on, registers curated from, or a setting chosen on, are not evaluated, and the report's name of the set says so.
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
  const { configurations, limit, seed, resume } = request;
  const onProgress = (stage: string, done: number, total: number) => onPreparing({ stage, done, total });
  const unfitted = unfittedHead(engine.spec, dataset.whole.classes, request.classEmbeddings);
  const head = unfitted ?? (await fittedHead(engine, runners, dataset, request, { signal, onProgress }));
  const set = await imagesToEvaluate(dataset, unfitted !== null, request);
  yield* evaluateWith(runners, set, configurations, head, { seed, limit, resume, signal });
}

async function imagesToEvaluate(
  { whole, probeParts, withoutFifth }: OpenDataset,
  isUnfitted: boolean,
  { sparesProbe, sparesFifth }: ResolvedEvaluation,
): Promise<LabelledSet> {
  if (isUnfitted && !sparesProbe && !sparesFifth) return whole;
  const test = sparesFifth ? withoutFifth() : (await probeParts()).test;
  // A fitted head names the images that it leaves; a set with probe images of its own loses none.
  if ((!isUnfitted && !sparesFifth) || test.count === whole.count) return test;
  return { ...test, name: `${whole.name} without the fifth of each class that was learnt from` };
}

/** Whether an intervention has registers that come from the probe images of the data set with this fingerprint. */
export function hasRegistersOf(
  fingerprint: string | null,
  { registers }: Pick<Engine, "registers">,
  { prefix, delete: deletion }: Intervention,
): boolean {
  const used = [prefix?.registers, deletion?.registers].filter((id) => id !== undefined);
  return fingerprint !== null && used.some((id) => registers.get(id)?.probeOf === fingerprint);
}
