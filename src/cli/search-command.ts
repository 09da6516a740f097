import { encoderKey } from "../encoder/encoder-key.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { headKey } from "../evaluate/head.ts";
import {
  distinctReport,
  prepareSearch,
  registerIds,
  registersReport,
  type SearchStart,
} from "../regcache/prepare-search.ts";
import {
  type CellResult,
  type Objective,
  type SearchReport,
  searchExhaustively,
  searchSettings,
} from "../regcache/search.ts";
import { type SearchSpace, searchGrid } from "../regcache/search-space.ts";
import { rememberedScores } from "../regcache/search-state.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import { modelReport } from "../trace/trace-report.ts";
import { headFor } from "./head-for.ts";
import { withImages } from "./open-calibration.ts";
import { asCalibration, type ImagesFlags, openImages } from "./open-images.ts";
import { openModel } from "./open-model.ts";
import { registersText, tellCuration } from "./open-registers.ts";
import { createProgress, formatTable, printJson, printText } from "./output.ts";
import { type QuantizerFlags, quantizerOf } from "./quantizer-flags.ts";
import { openState, requireState } from "./state-file.ts";

export interface SearchFlags extends ImagesFlags, QuantizerFlags, SearchSpace {
  readonly objective: Objective;
  /** l_q; found by a sweep when absent. */
  readonly block?: number;
  /** Every setting on every image. */
  readonly exhaustive?: boolean;
  /** File that scores are kept in, and taken from when it is there. */
  readonly state?: string;
  readonly json?: boolean;
}

/**
 * `search`: the sensitive block, registers curated around it, and the best setting on the same images.
 * @throws InputError for anything that does not fit; CancelledError on abort, with the state file written
 */
export async function searchCommand(flags: SearchFlags, signal?: AbortSignal): Promise<void> {
  if (flags.atMost && !flags.criteria?.length) {
    throw new InputError("--at-most", "--criteria, which it bounds", "none", "Add e.g. --criteria all.");
  }
  const wanted = quantizerOf(flags);
  await requireState(flags.state);
  const images = await openImages(flags);
  const model = await openModel({ ...flags, model: images.model }, signal, { instruments: false });
  try {
    const { engine, sha256 } = model;
    const head = await headFor(model, images, flags, signal);
    if (flags.objective === "accuracy" && !head) {
      throw new InputError(
        "--objective accuracy",
        "images with labels that a head reads",
        "none",
        "Add --probe and --train.",
      );
    }
    const calibration = await asCalibration(model, images, flags, signal);
    const quantize = withImages(model, wanted, calibration);
    const state = await openState(flags.state, "search", {
      encoder: encoderKey({ sha256, spec: engine.spec }),
      images: calibration.digest,
      quantizer: JSON.stringify(quantize),
      head: headKey(head),
    });
    const progress = createProgress();
    const subject = {
      ...{ engine, sha256, images: calibration, head, quantize, signal },
      memory: state,
      onProgress: progress,
    };
    const run = flags.exhaustive ? searchExhaustively : searchSettings;
    let last: SearchReport | undefined;
    let start: SearchStart;
    try {
      start = await prepareSearch(subject, flags.block, flags.registers);
      tellCuration(start.prefixes.outliers);
      const { scores, keep } = rememberedScores(subject, registerIds(start));
      for await (last of run(scores, searchGrid(flags, start, engine.spec), flags.objective)) {
        progress(`Search, ${last.stage}: evaluations`, last.evaluations, last.exhaustive);
        await keep();
      }
    } finally {
      await state.save();
    }
    const report = {
      seed: flags.seed,
      model: modelReport(engine.spec, sha256),
      quantize,
      head: head?.describe ?? null,
      sensitiveBlock: start.sensitiveBlock,
      registers: registersReport(start.prefixes.outliers),
      distinct: distinctReport(start),
      ...last!,
    };
    if (flags.json) printJson(report);
    else printText(toText(last!, engine.spec, start));
  } finally {
    await model.close();
  }
}

/** Best settings that the table shows. */
const SHOWN = 10;

function toText(report: SearchReport, spec: EncoderSpec, { sensitiveBlock, prefixes }: SearchStart): string {
  const { data, images, settings, evaluations, exhaustive, cells } = report;
  const isLabelled = cells[0]!.top1 !== null;
  const row = (cell: CellResult) => [
    settingKey(cell.setting),
    String(cell.n),
    cell.mse.toExponential(4),
    cell.cosine.toFixed(4),
    ...(cell.top1 === null ? [] : [`${(100 * cell.top1).toFixed(1)} %`]),
  ];
  const head = ["setting", "images", "feature MSE", "cosine to FP32", ...(isLabelled ? ["top-1"] : [])];
  const share = ((100 * evaluations) / exhaustive).toFixed(1);
  return [
    `${spec.label} on ${data}: ${images} images; sensitive block ${sensitiveBlock}; objective ${report.objective}`,
    registersText(prefixes.outliers),
    `${evaluations} of ${exhaustive} evaluations (${share} %) of ${settings} settings`,
    "",
    formatTable([head, ...cells.slice(0, SHOWN).map(row)]),
  ].join("\n");
}
