import { join } from "node:path";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { buildConfigurations, type ConfigurationKind } from "../evaluate/configurations.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import { collectFeatures } from "../evaluate/features.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import { nearestClassMean, ridgeProbe } from "../evaluate/probe.ts";
import { applySetting, parseRecommended, type RegCacheSetting } from "../evaluate/recommended.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { openSheet } from "../evaluate/sheet-dataset.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { type Quantization, quantizationSchema } from "../intervention/intervention.ts";
import { modelReport } from "../trace/trace-report.ts";
import { decodeImage } from "./decode.ts";
import { openFolderSet } from "./folder-dataset.ts";
import { type ModelFlags, type OpenModel, openModel } from "./open-model.ts";
import { openRegisters, type RegistersFlags } from "./open-registers.ts";
import { createProgress, formatTable, printJson, printText } from "./output.ts";
import { readBytes } from "./read-file.ts";

export const PROBES = ["ncm", "ridge", "own"] as const;

interface CommonFlags {
  /** Images to evaluate: the first so many of the seed's order. */
  readonly limit?: number;
  readonly seed: number;
  readonly quantize?: Quantization;
  readonly configurations?: readonly ConfigurationKind[];
  readonly json?: boolean;
}

/** Evaluation of any model on a folder of class-named folders. */
export interface EvalFlags extends ModelFlags, RegistersFlags, RegCacheSetting, CommonFlags {
  readonly data: string;
  readonly probe: (typeof PROBES)[number];
  /** Folder whose images the probe is fitted on. */
  readonly train?: string;
  /** Penalty of the ridge probe; chosen by leave-one-out when absent. */
  readonly lambda?: number;
}

/** Evaluation of the bundled encoder on the bundled test set. */
export interface BundledFlags extends CommonFlags, Pick<ModelFlags, "threads"> {
  /** Folder that holds `models/` and `datasets/`. */
  readonly assets: string;
}

/**
 * `eval`: accuracy of several configurations on the same labelled images.
 * @throws InputError for anything that does not fit; CancelledError on abort
 */
export async function evalCommand(flags: EvalFlags, signal?: AbortSignal): Promise<void> {
  const set = await openFolderSet(flags.data);
  const train = await openTrainSet(flags, set);
  const model = await openModel(flags, signal);
  try {
    const head = train ? await fitHead(flags, model, train, signal) : ownHead(model.engine.spec, set.classes);
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
  const folder = join(flags.assets, "models", "scenes-vit");
  const data = join(flags.assets, "datasets", "scenes");
  const recommended = join(folder, "recommended.json");
  const setting = parseRecommended(
    await readBytes(recommended, "the recommended RegCache setting"),
    recommended,
  );
  const set = await openSheet(
    (file) => readBytes(join(data, file), "a part of the bundled test set"),
    decodeImage,
  );
  const model = await openModel({ model: folder, ...(flags.threads && { threads: flags.threads }) }, signal);
  try {
    await report(model, set, ownHead(model.engine.spec, set.classes), setting, flags, signal);
  } finally {
    await model.close();
  }
}

/** Runs the evaluation and prints its last report. */
async function report(
  model: OpenModel,
  set: LabelledSet,
  head: Head,
  setting: RegCacheSetting & RegistersFlags,
  flags: CommonFlags,
  signal?: AbortSignal,
): Promise<void> {
  const { engine, sha256 } = model;
  const { spec } = engine;
  const registers = await openRegisters(model, setting, signal);
  const parts = {
    ...applySetting(setting, registers?.id ?? null, spec.blocks),
    quantize: flags.quantize ?? quantizationSchema.parse({ weightBits: 8, activationBits: 8 }),
  };
  const intervenes = parts.prefix !== null || parts.delete !== null;
  const kinds = flags.configurations ?? (intervenes ? ["naive", "regcache"] : ["naive"]);
  const configurations = buildConfigurations(kinds, parts);

  const progress = createProgress();
  let last: EvaluationReport | undefined;
  const options = {
    prepare: preparer(spec),
    seed: flags.seed,
    ...(flags.limit !== undefined && { limit: flags.limit }),
    ...(signal && { signal }),
  };
  for await (last of evaluate(engine, set, configurations, head, options)) {
    progress("Evaluating", last.n, last.total);
  }
  const { n, seed, dataset, ...rest } = last!;
  if (flags.json)
    printJson({ n, seed, dataset, model: modelReport(spec, sha256), intervention: parts, ...rest });
  else printText(toText(last!, spec));
}

/** The labelled images that a probe is fitted on; null for the checkpoint's own head. */
async function openTrainSet(flags: EvalFlags, set: LabelledSet): Promise<LabelledSet | null> {
  if (flags.probe === "own") return null;
  if (flags.train === undefined) {
    throw new InputError(`--probe ${flags.probe}`, "--train FOLDER to fit it on", "none", "Add --train.");
  }
  const train = await openFolderSet(flags.train);
  if (train.classes.join("\n") === set.classes.join("\n")) return train;
  const missing = set.classes.find((name) => !train.classes.includes(name));
  throw new InputError(
    flags.train,
    `the ${set.classes.length} class folders of ${flags.data}`,
    missing === undefined ? `${train.classes.length} class folders` : `no folder "${missing}"`,
    "Give both folders the same classes.",
  );
}

async function fitHead(
  flags: EvalFlags,
  { engine }: OpenModel,
  train: LabelledSet,
  signal?: AbortSignal,
): Promise<Head> {
  const progress = createProgress();
  const features = await collectFeatures(engine, train, {
    prepare: preparer(engine.spec),
    onProgress: (done, total) => progress("Fitting the probe", done, total),
    ...(signal && { signal }),
  });
  return flags.probe === "ncm" ? nearestClassMean(features) : ridgeProbe(features, flags.lambda);
}

function preparer(spec: EncoderSpec): (image: RgbaImage) => Float32Array {
  return (image) => prepareImage(image, spec.preprocess).pixels;
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
  ];
  const rows = report.configurations.map(({ name, top1, interval, meanCosine, difference }) => [
    name,
    percent(top1),
    interval.map(percent).join(" to "),
    meanCosine.toFixed(4),
    points(difference.value),
    difference.interval.map(points).join(" to "),
  ]);
  return [
    `${spec.label} on ${report.dataset}: ${report.n} images, seed ${report.seed}, ${report.head}`,
    "",
    formatTable([head, ...rows]),
  ].join("\n");
}
