import { encoderKey } from "../encoder/encoder-key.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { buildConfigurations, type ConfigurationKind } from "../evaluate/configurations.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { type Head, headKey, ownHead } from "../evaluate/head.ts";
import { applySetting, type RegCacheSetting } from "../evaluate/recommended.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { splitSet } from "../evaluate/split.ts";
import { type Quantization, quantizationSchema } from "../intervention/intervention.ts";
import { modelReport } from "../trace/trace-report.ts";
import { bundledModel, bundledSetting, openBundledSet } from "./bundled.ts";
import { type EvaluateSetFlags, evaluateSet } from "./evaluate-set.ts";
import { openLabelledSet } from "./labelled-set.ts";
import { type CalibrateFlag, type CalibrationSource, calibrated } from "./open-calibration.ts";
import { type HeadFlags, isFitted, openHead, openTrainSet } from "./open-head.ts";
import { type ModelFlags, type OpenModel, openModel } from "./open-model.ts";
import { openRegisters, type RegistersFlags } from "./open-registers.ts";
import { batchText, formatTable, printJson, printText, skippedLines } from "./output.ts";
import { tellShared } from "./shared-images.ts";
import { evaluatedImages, openState, requireState } from "./state-file.ts";

interface CommonFlags extends EvaluateSetFlags {
  readonly quantize?: Quantization;
  readonly calibrate?: CalibrateFlag;
  readonly configurations?: readonly ConfigurationKind[];
  /** File that the evaluation is kept in, and goes on from when it is there. */
  readonly state?: string;
  readonly json?: boolean;
}

/** Evaluation of any model on a folder of class-named folders. */
export interface EvalFlags extends ModelFlags, RegistersFlags, RegCacheSetting, CommonFlags, HeadFlags {
  readonly data: string;
  /** Folder whose images the probe is fitted on. */
  readonly train?: string;
  /** Seed that draws the fifth of every class which the probe is fitted on, instead of `train`. */
  readonly holdout?: number;
}

/** Evaluation of the bundled encoder on the bundled test set. */
export interface BundledFlags extends CommonFlags, Pick<ModelFlags, "threads"> {
  /** Folder that holds `models/` and `datasets/`. */
  readonly assets: string;
}

/**
 * `eval`: accuracy of several configurations on the same labelled images.
 * @throws InputError for anything that does not fit; CancelledError on abort, with the state file written
 */
export async function evalCommand(flags: EvalFlags, signal?: AbortSignal): Promise<void> {
  await requireState(flags.state);
  const { set, train } = await openParts(flags);
  await tellShared(set, { train, curate: flags.curate, calibrate: flags.calibrate });
  const model = await openModel(flags, signal, { instruments: false });
  try {
    const head = await openHead(model, set, train, flags, signal);
    await report(model, set, head, flags, flags, signal);
  } finally {
    await model.close();
  }
}

/**
 * `eval --bundled`: the bundled encoder, its own head and its recommended RegCache setting.
 * @throws InputError when the bundled files do not fit together; CancelledError on abort
 */
export async function evalBundledCommand(flags: BundledFlags, signal?: AbortSignal): Promise<void> {
  await requireState(flags.state);
  const folder = bundledModel(flags.assets);
  const setting = await bundledSetting(flags.assets);
  const set = await openBundledSet(flags.assets, "test");
  const opening = { model: folder, ...(flags.threads && { threads: flags.threads }) };
  const model = await openModel(opening, signal, { instruments: false });
  try {
    const calibration = flags.calibrate ?? (() => openBundledSet(flags.assets, "probe"));
    await report(
      model,
      set,
      ownHead(model.engine.spec, set.classes),
      { ...setting, calibration },
      { ...flags, ...opening },
      signal,
    );
  } finally {
    await model.close();
  }
}

/** Runs the evaluation and prints its last report. */
async function report(
  model: OpenModel,
  set: LabelledSet,
  head: Head,
  setting: RegCacheSetting & RegistersFlags & { readonly calibration?: CalibrationSource | undefined },
  flags: CommonFlags & ModelFlags,
  signal?: AbortSignal,
): Promise<void> {
  const { engine, sha256 } = model;
  const { spec } = engine;
  const registers = await openRegisters(model, setting, signal);
  const naive = quantizationSchema.parse({ weightBits: 8, activationBits: 8 });
  const parts = {
    ...applySetting(setting, registers?.id ?? null, spec.blocks),
    quantize: await calibrated(
      model,
      flags.quantize ?? naive,
      setting.calibration ?? flags.calibrate,
      signal,
    ),
  };
  const intervenes = parts.prefix !== null || parts.delete !== null;
  const kinds = flags.configurations ?? (intervenes ? ["naive", "regcache"] : ["naive"]);
  const configurations = buildConfigurations(kinds, parts);

  const state = await openState(flags.state, "eval", {
    encoder: encoderKey({ sha256, spec }),
    ...(await evaluatedImages(set, flags)),
    configurations: JSON.stringify(configurations),
    head: headKey(head),
  });
  let last: EvaluationReport;
  try {
    const used = registers ? [registers] : [];
    last = await evaluateSet(model, set, configurations, head, flags, used, { signal, memory: state });
  } finally {
    await state.save();
  }
  const { n, seed, dataset, ...rest } = last;
  if (flags.json)
    printJson({ n, seed, dataset, model: modelReport(spec, sha256), intervention: parts, ...rest });
  else printText(toText(last, spec));
}

/** The images to evaluate, and those that a probe is fitted on; null where nothing is fitted. */
async function openParts(flags: EvalFlags): Promise<{ set: LabelledSet; train: LabelledSet | null }> {
  const { data, train, holdout, probe } = flags;
  const set = await openLabelledSet(data);
  if (!isFitted(probe)) return { set, train: null };
  if (train !== undefined && holdout !== undefined) {
    throw new InputError("--train and --holdout", "one of them", "both", "Leave one out.");
  }
  if (train !== undefined) return { set, train: await openTrainSet(train, set, data) };
  if (holdout !== undefined) {
    const parts = splitSet(set, holdout);
    return { set: parts.test, train: parts.probe };
  }
  const remedy = "Add --train, or --holdout SEED to fit it on a fifth of --data.";
  throw new InputError(`--probe ${probe}`, "--train FOLDER to fit it on", "none", remedy);
}

/** The report as a table for people; differences in percentage points. */
function toText(report: EvaluationReport, spec: EncoderSpec): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const points = (value: number) => (100 * value).toFixed(1);
  const head = [
    "configuration",
    "top-1",
    "95 % interval",
    "cosine to FP32",
    "difference, points",
    "95 % interval",
    "ms an image",
    "weights, MB",
  ];
  const rows = report.configurations.map(({ name, top1, interval, meanCosine, difference, ...cost }) => [
    name,
    percent(top1),
    interval.map(percent).join(" to "),
    meanCosine.toFixed(4),
    points(difference.value),
    difference.interval.map(points).join(" to "),
    cost.millisecondsPerImage.toFixed(1),
    (cost.weightBytes / 1e6).toFixed(2),
  ]);
  return [
    `${spec.label} on ${report.dataset}: ${report.n} images, seed ${report.seed}, ${report.head}${batchText(report)}`,
    ...skippedLines(report.skipped),
    "",
    formatTable([head, ...rows]),
  ].join("\n");
}
