import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import { calibrationSet } from "../evaluate/calibration.ts";
import { evaluateWith } from "../evaluate/evaluate.ts";
import { engineRunner } from "../evaluate/image-runner.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { unfittedHead } from "../evaluate/unfitted-head.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { CellScores } from "../regcache/cell-scores.ts";
import { prepareComparison } from "../regcache/comparison.ts";
import { type ExperimentSubject, prepareSearch, registerIds } from "../regcache/prepare-search.ts";
import { type SearchReport, searchSettings } from "../regcache/search.ts";
import { searchGrid } from "../regcache/search-space.ts";
import {
  readSearchState,
  type SearchProgress,
  searchProgressSchema,
  searchSubject,
  writeSearchState,
} from "../regcache/search-state.ts";
import { sweepSensitivity } from "../regcache/sensitivity.ts";
import type { Progress } from "./api.ts";
import type { OpenDataset, ProbeParts } from "./datasets.ts";
import {
  type ExperimentInputs,
  type ExperimentRequest,
  type ExperimentResult,
  type ExperimentUpdate,
  experimentRequestSchema,
} from "./experiment-api.ts";
import { fittedHead } from "./heads.ts";
import { type LoadedModel, registersInfo } from "./loaded-model.ts";

/** @throws InputError when a message from the page is no request */
export function parseExperimentRequest(value: unknown): ExperimentRequest {
  const parsed = experimentRequestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const got = z.prettifyError(parsed.error).replaceAll("\n", " ");
  throw new InputError("Experiment", "the settings of an experiment", got, "Reload the page.");
}

/** @throws InputError when a message from the page does not say where a search goes on */
export function parseResume(value: unknown): SearchProgress | null {
  const parsed = searchProgressSchema.nullable().safeParse(value);
  if (parsed.success) return parsed.data;
  const got = z.prettifyError(parsed.error).replaceAll("\n", " ");
  throw new InputError("Search", "what an interrupted one goes on from", got, "Start it anew.");
}

/** Who hears of a running experiment; both may be slow. */
interface Listeners {
  /** Takes what has been found so far. */
  readonly tell: (update: ExperimentUpdate) => Promise<void>;
  /** Takes what a search can go on from. */
  readonly keep: (progress: SearchProgress) => Promise<void>;
}

/** Least time between two states of a search that are kept, ms: they may be long. */
const KEEP_INTERVAL = 2000;

/**
 * Runs an experiment. Settings are chosen on the data set's probe images, which a comparison is never measured on.
 * Unreadable images are left out.
 * @throws InputError when the data set is too small or none of its images can be read; CancelledError on abort
 */
export async function runExperiment(
  model: Pick<LoadedModel, "engine" | "sha256">,
  dataset: OpenDataset,
  request: ExperimentRequest,
  { classEmbeddings, resume }: ExperimentInputs,
  { tell, keep }: Listeners,
  signal: AbortSignal,
): Promise<ExperimentResult> {
  const { engine, sha256 } = model;
  const prepare = (image: RgbaImage) => prepareImage(image, engine.spec.preprocess).pixels;
  const parts = await dataset.probeParts();
  const { chooseOn: limit, seed, quantize } = request;
  // A probe has seen the images that settings are chosen on: there its accuracy says little.
  const head = unfittedHead(engine.spec, dataset.whole.classes, classEmbeddings);
  if (request.objective === "accuracy" && !head && request.kind !== "sensitivity") {
    const expected = "a head that is not fitted: the encoder's own, or zero-shot";
    throw new InputError("Search by accuracy", expected, "a probe", "Search by feature error.");
  }
  const onProgress = (stage: string, done: number, total: number) =>
    void tell({ progress: { stage, done, total }, result: null });
  const images = await calibrationSet(parts.probe, prepare, { seed, limit, signal, onProgress });
  const probeOf = dataset.info.fingerprint ?? undefined;
  const subject: ExperimentSubject = { engine, sha256, images, probeOf, head, quantize, signal, onProgress };
  switch (request.kind) {
    case "sensitivity":
      return sensitivity(subject, request, tell);
    case "search":
      return search(subject, request, resume, { tell, keep });
    case "compare":
      return compare(subject, dataset, parts, request, tell, prepare);
  }
}

type Tell = Listeners["tell"];

async function sensitivity(
  { engine, images, head, quantize, signal }: ExperimentSubject,
  { by }: ExperimentRequest,
  tell: Tell,
): Promise<ExperimentResult> {
  let result: ExperimentResult | null = null;
  const options = { quantize, by, head, ...(signal && { signal }) };
  for await (const report of sweepSensitivity(engine, images, options)) {
    result = { kind: "sensitivity", report };
    await tell({ progress: step("Sensitivity (images)", report.n, report.total), result });
  }
  return result!;
}

/** For errors: the same images and model on another backend may give registers that differ in the last digit. */
const KEPT = {
  name: "The interrupted search",
  remedy:
    "Its encoder, images and backend must be as they were: choose them again, or start the search anew.",
};

async function search(
  subject: ExperimentSubject,
  { space, objective }: ExperimentRequest,
  resume: SearchProgress | null,
  { tell, keep }: Listeners,
): Promise<ExperimentResult> {
  const { engine, sha256, images, head, quantize, signal } = subject;
  const start = await prepareSearch(subject, resume?.sensitiveBlock, space.registers);
  const { sensitiveBlock } = start;
  const registers = [...start.registers.values()].map(registersInfo);
  const options = { quantize, ...registerIds(start), head, ...(signal && { signal }) };
  const about = searchSubject(sha256, { images, options });
  const known = resume ? readSearchState(resume.state, about, images.count, KEPT) : {};
  const scores = new CellScores(engine, images, options, known);
  const grid = searchGrid(space, start, engine.spec);
  const keepAll = ({ evaluations }: SearchReport) =>
    keep({ sensitiveBlock, evaluations, state: writeSearchState(about, scores) });
  let last: SearchReport | null = null;
  let kept = performance.now();
  const found = (report: SearchReport) => ({ kind: "search", report, sensitiveBlock, registers }) as const;
  try {
    for await (last of searchSettings(scores, grid, objective)) {
      await tell({ progress: step(`Search, ${last.stage}`, last.evaluations, 0), result: found(last) });
      if (performance.now() - kept < KEEP_INTERVAL) continue;
      await keepAll(last);
      kept = performance.now();
    }
  } finally {
    if (last && !last.done) await keepAll(last);
  }
  return found(last!);
}

async function compare(
  subject: ExperimentSubject,
  dataset: OpenDataset,
  { test }: ProbeParts,
  { objective, known, distinct, measureOn: limit, seed, probe }: ExperimentRequest,
  tell: Tell,
  prepare: (image: RgbaImage) => Float32Array,
): Promise<ExperimentResult> {
  const { engine, images, signal = new AbortController().signal, onProgress = () => {} } = subject;
  const runners = [engineRunner(engine, prepare)];
  const head =
    subject.head ?? (await fittedHead(engine, runners, dataset, { probe }, { signal, onProgress }));
  const comparison = await prepareComparison(subject, {
    objective,
    registers: distinct,
    known: known ?? undefined,
  });
  const { configurations, settings, omitted, start } = comparison;
  const common = {
    kind: "compare",
    configurations,
    settings,
    omitted,
    sensitiveBlock: start.sensitiveBlock,
    registers: [...start.registers.values()].map(registersInfo),
    chosenOn: `${images.count} images of ${images.name}`,
    skipped: images.skipped,
  } as const;
  let last: EvaluationReport | null = null;
  for await (last of evaluateWith(runners, test, configurations, head, { seed, limit, signal })) {
    await tell({
      progress: step("Measuring (images)", last.n, last.total),
      result: { ...common, report: last },
    });
  }
  return { ...common, report: last! };
}

function step(stage: string, done: number, total: number): Progress {
  return { stage, done, total };
}
