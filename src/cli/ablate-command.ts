import { rollup } from "d3-array";
import { encoderKey } from "../encoder/encoder-key.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { headKey } from "../evaluate/head.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { evaluationCsv } from "../evaluate/report-export.ts";
import type { Quantization } from "../intervention/intervention.ts";
import { type Comparison, type KnownSetting, prepareComparison } from "../regcache/comparison.ts";
import { within } from "../regcache/experiment-memory.ts";
import { PAPER_MARK, PAPER_VALUES } from "../regcache/paper-values.ts";
import { distinctReport, registersReport } from "../regcache/prepare-search.ts";
import type { Objective, SearchReport } from "../regcache/search.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import { modelReport } from "../trace/trace-report.ts";
import { bundledModel, bundledSetting, openBundledSet } from "./bundled.ts";
import { evaluateSet } from "./evaluate-set.ts";
import { ownHeadOrNone } from "./head-for.ts";
import { openLabelledSet } from "./labelled-set.ts";
import { withImages } from "./open-calibration.ts";
import { isFitted, openHead, openTrainSet } from "./open-head.ts";
import { asCalibration, type ImagesFlags, requireBundledAlone } from "./open-images.ts";
import { type OpenModel, openModel } from "./open-model.ts";
import { openRegisters, registersText, tellCuration } from "./open-registers.ts";
import { batchText, createProgress, formatTable, printJson, printText } from "./output.ts";
import { atBits, requireOneQuantizer } from "./quantizer-flags.ts";
import { sharedImages } from "./shared-images.ts";
import { evaluatedImages, openState, requireState } from "./state-file.ts";

export interface AblateFlags extends ImagesFlags {
  /** Bits of weights and activations: one table each; 8 when neither these nor a quantizer are given. */
  readonly bits?: readonly number[];
  /** All of the quantizer, instead of `bits`. */
  readonly quantize?: Quantization;
  readonly objective: Objective;
  /** Training images that settings are chosen on: the first so many of the seed's order. */
  readonly trainLimit: number;
  /** l_q; found by a sweep when absent. */
  readonly block?: number;
  /** Distinct registers of the prefixes that are searched; one when absent. */
  readonly registers?: number;
  /** Engines that work side by side in the evaluation. */
  readonly jobs?: number;
  /** File that everything is kept in, and goes on from when it is there. */
  readonly state?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/**
 * `ablate`: the paper's comparisons on one labelled set, with everything chosen on another.
 * @throws InputError for anything that does not fit; CancelledError on abort, with the state file written
 */
export async function ablateCommand(flags: AblateFlags, signal?: AbortSignal): Promise<void> {
  if (flags.json && flags.csv)
    throw new InputError("--json and --csv", "one of them", "both", "Leave one out.");
  requireOneQuantizer(flags.bits, flags.quantize);
  await requireState(flags.state);
  const { folder, set, train } = await openSets(flags);
  const model = await openModel({ ...flags, model: folder }, signal, { instruments: false });
  try {
    const { engine, sha256 } = model;
    const own = flags.probe === undefined ? ownHeadOrNone(model, set) : null;
    const probe = flags.probe ?? "ridge";
    const reader = own ?? (await openHead(model, set, train, { ...flags, probe }, signal));
    // A probe has seen its training images: there its accuracy says little, so the search is label-free.
    const label = own || !isFitted(probe) ? reader : null;
    if (flags.objective === "accuracy" && !label) {
      const expected = "a head that was not fitted on the training images";
      throw new InputError(
        "--objective accuracy",
        expected,
        reader.describe,
        "Leave it out: mse needs no labels.",
      );
    }
    // The card's setting has one register: whoever asks for a number of them wants it searched.
    const isCards = flags.bundled && flags.registers === undefined;
    const known = isCards ? await cardSetting(model, flags.assets) : undefined;
    const images = await asCalibration(
      model,
      { set: train, labelled: true },
      { limit: flags.trainLimit, seed: flags.seed },
      signal,
    );
    const { objective, block: sensitiveBlock, registers: distinct } = flags;
    const state = await openState(flags.state, "ablate", {
      encoder: encoderKey({ sha256, spec: engine.spec }),
      ...(await evaluatedImages(set, flags)),
      training: images.digest,
      choice: JSON.stringify({ objective, sensitiveBlock, distinct, known }),
      head: headKey(reader),
    });
    const progress = createProgress();
    const tables: Table[] = [];
    const quantizers = flags.quantize ? [flags.quantize] : (flags.bits ?? [8]).map(atBits);
    try {
      for (const quantize of quantizers.map((wanted) => withImages(model, wanted, images))) {
        const memory = within(state, JSON.stringify(quantize));
        const subject = {
          engine,
          sha256,
          images,
          head: label,
          quantize,
          signal,
          memory,
          onProgress: progress,
        };
        const options = { objective, sensitiveBlock, registers: distinct, known };
        const comparison = await prepareComparison(subject, options);
        tellCuration(comparison.start.prefixes.outliers);
        const registers = [...engine.registers.values()];
        const { configurations } = comparison;
        const opening = { ...flags, model: folder };
        const running = { signal, memory };
        const report = await evaluateSet(model, set, configurations, reader, opening, registers, running);
        tables.push({ report, comparison, spec: engine.spec, sha256, quantize, wanted: distinct });
      }
    } finally {
      await state.save();
    }
    if (flags.csv) printText(toCsv(tables));
    else if (flags.json)
      printJson(tables.length === 1 ? toReport(tables[0]!) : { tables: tables.map(toReport) });
    else printText(tables.map(toText).join("\n\n"));
  } finally {
    await model.close();
  }
}

/** One bit width's comparison, evaluated. */
interface Table {
  readonly report: EvaluationReport;
  readonly comparison: Comparison;
  readonly spec: EncoderSpec;
  readonly sha256: string;
  readonly quantize: Quantization;
  /** Distinct registers that were asked for. */
  readonly wanted: number | undefined;
}

/** The card's own setting and registers, so that its table is what comes out. */
async function cardSetting(model: OpenModel, assets: string): Promise<KnownSetting> {
  const setting = await bundledSetting(assets);
  const registers = await openRegisters(model, {});
  if (registers) return { setting, registers: registers.id };
  const expected = "registers.safetensors beside the bundled encoder";
  throw new InputError("ablate --bundled", expected, "none", "Restore the bundled files.");
}

async function openSets(
  flags: AblateFlags,
): Promise<{ folder: string; set: LabelledSet; train: LabelledSet }> {
  const { assets, model, data, train } = flags;
  requireBundledAlone(flags);
  if (flags.bundled) {
    const [set, probe] = [await openBundledSet(assets, "test"), await openBundledSet(assets, "probe")];
    return { folder: bundledModel(assets), set, train: probe };
  }
  if (model === undefined || data === undefined || train === undefined) {
    const missing = Object.entries({ model, train, data }).find(([, value]) => value === undefined)![0];
    const expected = "--bundled, or --model, --train and --data";
    throw new InputError("ablate", expected, `no --${missing}`, "See --help.");
  }
  const set = await openLabelledSet(data);
  const trainSet = await openTrainSet(train, set, data);
  await requireDisjoint(set, trainSet);
  return { folder: model, set, train: trainSet };
}

/** @throws InputError when an image lies in both sets: settings must not be chosen on the test set */
async function requireDisjoint(set: LabelledSet, train: LabelledSet): Promise<void> {
  const [shared] = await sharedImages(set, train);
  if (shared === undefined) return;
  throw new InputError("--train and --data", "disjoint images", `${shared} in both`, "Give two folders.");
}

function searchSummary({ objective, images, settings, evaluations, exhaustive, best }: SearchReport) {
  return { objective, images, settings, evaluations, exhaustive, best };
}

/** All tables as one: a head, then a row a configuration; its intervention says the bits. */
function toCsv(tables: readonly Table[]): string {
  const texts = tables.map(({ report, comparison: { configurations }, spec, sha256 }) =>
    evaluationCsv({ spec, sha256, fingerprint: null, configurations, report }),
  );
  return texts.map((text, i) => (i === 0 ? text : text.slice(text.indexOf("\n") + 1))).join("\n");
}

/** The contract of `eval`, and beside it how the configurations were chosen. */
function toReport({ report, comparison, spec, sha256, quantize }: Table) {
  const { n, seed, dataset, configurations, ...rest } = report;
  const { start, searches, configurations: chosen, omitted } = comparison;
  const regcache = chosen.find(({ name }) => name === "regcache")!.intervention;
  return {
    n,
    seed,
    dataset,
    model: modelReport(spec, sha256),
    intervention: { prefix: regcache.prefix, delete: regcache.delete, quantize },
    ...rest,
    configurations: configurations.map((result, c) => ({ ...result, intervention: chosen[c]!.intervention })),
    omitted,
    chosenOn: searches.any.data,
    sensitiveBlock: start.sensitiveBlock,
    registers: registersReport(start.prefixes.outliers),
    distinct: distinctReport(start),
    search: { linf: searches.linf && searchSummary(searches.linf), any: searchSummary(searches.any) },
    paper: { mark: PAPER_MARK, setting: "W8A8, zero-shot ImageNet-1k top-1, percent", values: PAPER_VALUES },
  };
}

function toText({ report, comparison, spec, quantize, wanted }: Table): string {
  const { weightBits, activationBits } = quantize;
  const { start, settings, searches, omitted } = comparison;
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const points = (value: number) => (100 * value).toFixed(1);
  const isPaperSetting = weightBits === 8 && activationBits === 8;
  const papers = isPaperSetting ? PAPER_VALUES : [];
  const head = [
    "configuration",
    "top-1",
    "95 % interval",
    "cosine to FP32",
    "difference, points",
    "95 % interval",
    ...papers.map(({ model }) => `${model} ${PAPER_MARK}`),
  ];
  const rows = report.configurations.map(({ name, top1, interval, meanCosine, difference }) => [
    name,
    percent(top1),
    interval.map(percent).join(" to "),
    meanCosine.toFixed(4),
    points(difference.value),
    difference.interval.map(points).join(" to "),
    ...papers.map((paper) => paper.top1[name]?.toFixed(2) ?? "-"),
  ]);
  return [
    `${spec.label} on ${report.dataset}: ${report.n} images, seed ${report.seed}, ${report.head}, W${weightBits}A${activationBits}${batchText(report)}`,
    `chosen on ${searches.any.images} images of ${searches.any.data}: sensitive block ${start.sensitiveBlock}${report.batch > 1 ? ", ranges per image" : ""}`,
    registersText(start.prefixes.outliers),
    `regcache${searches.linf ? "" : " (the model card's)"}: ${settingKey(settings.regcache)}`,
    `regcache-similarity: ${settingKey(settings.any)}`,
    ...(wanted === undefined ? [] : [registersLine(wanted, comparison)]),
    ...registerNeuronsLine(comparison),
    ...omitted.map(({ name, reason }) => `left out: ${name}: ${reason}`),
    ...(isPaperSetting
      ? ["right: the paper's top-1 on ImageNet-1k, zero-shot, by a secondary reading [S]"]
      : []),
    "",
    formatTable([head, ...rows]),
  ].join("\n");
}

/** How many registers came out, and of how many tokens each is the mean. */
function registersLine(wanted: number, { start }: Comparison): string {
  const { candidates } = distinctReport(start).at(-1)!;
  const fewer = candidates.length < wanted ? ` (${wanted} wanted: the tokens have fewer directions)` : "";
  return `registers: ${candidates.length}${fewer}, of ${candidates.join(", ")} tokens`;
}

/** Where the neurons lie that the test-time register takes over; nothing when it was left out. */
function registerNeuronsLine({ configurations }: Comparison): string[] {
  const chosen = configurations.find(({ name }) => name === "test-time-register")?.intervention;
  const blocks = chosen?.testTimeRegister?.neurons.map(([block]) => block) ?? [];
  const counts = [...rollup(blocks, ({ length }) => length, Number)].sort(([a], [b]) => a - b);
  const parts = counts.map(([block, n]) => `${n} of block ${block}`);
  return parts.length > 0 ? [`test-time-register: neurons ${parts.join(", ")}`] : [];
}
