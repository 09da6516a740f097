import { z } from "zod";
import { encoderKey } from "../encoder/encoder-key.ts";
import { InputError } from "../errors/input-error.ts";
import { calibrationSet } from "../evaluate/calibration.ts";
import { headKey } from "../evaluate/head.ts";
import { engineRunner } from "../evaluate/image-runner.ts";
import { rememberedEvaluation } from "../evaluate/remembered-evaluation.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { unfittedHead } from "../evaluate/unfitted-head.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { prepareComparison } from "../regcache/comparison.ts";
import { NO_MEMORY } from "../regcache/experiment-memory.ts";
import { type ExperimentSubject, prepareSearch, registerIds } from "../regcache/prepare-search.ts";
import { type SearchReport, searchSettings } from "../regcache/search.ts";
import { searchGrid } from "../regcache/search-space.ts";
import { rememberedScores, requireEqualSubject, type SearchSubject } from "../regcache/search-state.ts";
import { sweepSensitivity } from "../regcache/sensitivity.ts";
import type { Progress } from "./api.ts";
import type { OpenDataset, ProbeParts } from "./datasets.ts";
import {
  EXPERIMENT_NAMES,
  type ExperimentInputs,
  type ExperimentKind,
  type ExperimentProgress,
  type ExperimentRequest,
  type ExperimentResult,
  type ExperimentUpdate,
  experimentProgressSchema,
  experimentRequestSchema,
  requireRunnable,
} from "./experiment-api.ts";
import { fittedHead } from "./heads.ts";
import { createKeptMemory } from "./kept-memory.ts";
import { type LoadedModel, registersInfo } from "./loaded-model.ts";

/** @throws InputError when a message from the page is no request */
export function parseExperimentRequest(value: unknown): ExperimentRequest {
  const parsed = experimentRequestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const got = z.prettifyError(parsed.error).replaceAll("\n", " ");
  throw new InputError("Experiment", "the settings of an experiment", got, "Reload the page.");
}

/** @throws InputError when a message from the page does not say where an experiment goes on */
export function parseResume(value: unknown): ExperimentProgress | null {
  const parsed = experimentProgressSchema.nullable().safeParse(value);
  if (parsed.success) return parsed.data;
  const got = z.prettifyError(parsed.error).replaceAll("\n", " ");
  throw new InputError("Experiment", "what an interrupted one goes on from", got, "Start it anew.");
}

/** Who hears of a running experiment; both may be slow. */
interface Listeners {
  /** Takes what has been found so far. */
  readonly tell: (update: ExperimentUpdate) => Promise<void>;
  /** Takes what it can go on from. */
  readonly keep: (progress: ExperimentProgress) => Promise<void>;
}

/**
 * Runs an experiment. Settings are chosen on the data set's probe images, which a comparison is never measured on.
 * Unreadable images are left out.
 * @param request with the calibration of its quantizer named as the engine knows it
 * @throws InputError when the data set is too small, none of its images can be read, or the experiment does not go with its
 *   quantizer or with what it is to go on from; CancelledError on abort
 */
export async function runExperiment(
  model: Pick<LoadedModel, "engine" | "sha256">,
  dataset: OpenDataset,
  request: ExperimentRequest,
  { classEmbeddings, resume }: ExperimentInputs,
  { tell, keep }: Listeners,
  signal: AbortSignal,
): Promise<ExperimentResult> {
  requireRunnable(request);
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
  const about = {
    encoder: encoderKey({ sha256, spec: engine.spec }),
    images: images.digest,
    quantizer: JSON.stringify(quantize),
    head: headKey(head),
  };
  if (resume) requireEqual(request.kind, about, resume.subject);
  const memory = createKeptMemory({ subject: about, parts: resume?.parts ?? {} }, keep);
  const subject = { engine, sha256, images, probeOf, head, quantize, signal, memory, onProgress };
  const run = () => {
    switch (request.kind) {
      case "sensitivity":
        return sensitivity(subject, request, tell);
      case "search":
        return search(subject, request, tell);
      case "compare":
        return compare(subject, dataset, parts, request, tell, prepare);
    }
  };
  try {
    return await run();
  } catch (error) {
    await memory.save();
    throw error;
  }
}

/** @throws InputError when an interrupted experiment is of another encoder, images, quantizer or head */
function requireEqual(kind: ExperimentKind, wanted: SearchSubject, found: SearchSubject): void {
  const name = EXPERIMENT_NAMES[kind];
  const remedy = `Its encoder, images and head must be as they were: choose them again, or start the ${name} anew.`;
  requireEqualSubject(`The interrupted ${name}`, name, { wanted, found }, remedy);
}

type Tell = Listeners["tell"];

async function sensitivity(
  { engine, images, head, quantize, memory, signal }: ExperimentSubject,
  { by }: ExperimentRequest,
  tell: Tell,
): Promise<ExperimentResult> {
  let result: ExperimentResult | null = null;
  const options = { quantize, by, head, memory, ...(signal && { signal }) };
  for await (const report of sweepSensitivity(engine, images, options)) {
    result = { kind: "sensitivity", report };
    await tell({ progress: step("Sensitivity (images)", report.n, report.total), result });
  }
  return result!;
}

async function search(
  subject: ExperimentSubject,
  { space, objective }: ExperimentRequest,
  tell: Tell,
): Promise<ExperimentResult> {
  const start = await prepareSearch(subject, undefined, space.registers);
  const { sensitiveBlock } = start;
  const registers = [...start.registers.values()].map(registersInfo);
  const { scores, keep } = rememberedScores(subject, registerIds(start));
  const grid = searchGrid(space, start, subject.engine.spec);
  let last: SearchReport | null = null;
  const found = (report: SearchReport) => ({ kind: "search", report, sensitiveBlock, registers }) as const;
  for await (last of searchSettings(scores, grid, objective)) {
    await tell({ progress: step(`Search, ${last.stage}`, last.evaluations, 0), result: found(last) });
    await keep();
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
  const { engine, images, memory = NO_MEMORY } = subject;
  const { signal = new AbortController().signal, onProgress = () => {} } = subject;
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
  const options = { seed, limit, signal };
  let last: EvaluationReport | null = null;
  for await (const report of rememberedEvaluation(memory, runners, test, configurations, head, options)) {
    last = report;
    await tell({
      progress: step("Measuring (images)", report.n, report.total),
      result: { ...common, report },
    });
  }
  return { ...common, report: last! };
}

function step(stage: string, done: number, total: number): Progress {
  return { stage, done, total };
}
