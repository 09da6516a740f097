import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { Quantization } from "../intervention/intervention.ts";
import { CellScores } from "../regcache/cell-scores.ts";
import { distinctReport, prepareSearch, registerIds, registersReport } from "../regcache/prepare-search.ts";
import {
  type CellResult,
  type Objective,
  type SearchReport,
  searchExhaustively,
  searchSettings,
} from "../regcache/search.ts";
import { type SearchSpace, searchGrid } from "../regcache/search-space.ts";
import { readSearchState, searchSubject, writeSearchState } from "../regcache/search-state.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import { modelReport } from "../trace/trace-report.ts";
import { withImages } from "./open-calibration.ts";
import { asCalibration, headFor, type ImagesFlags, openImages } from "./open-images.ts";
import { openModel } from "./open-model.ts";
import { createProgress, formatTable, printJson, printText } from "./output.ts";
import { atBits } from "./sensitivity-command.ts";

export interface SearchFlags extends ImagesFlags, SearchSpace {
  readonly bits: number;
  /** All of the quantizer; overrides `bits`. */
  readonly quantize?: Quantization;
  readonly objective: Objective;
  /** l_q; found by a sweep when absent. */
  readonly block?: number;
  /** Every setting on every image. */
  readonly exhaustive?: boolean;
  /** File that scores are kept in, and taken from when it is there. */
  readonly state?: string;
  readonly json?: boolean;
}

/** Reports between two writes of the state file. */
const SAVE_EVERY = 4;

/**
 * `search`: the sensitive block, registers curated around it, and the best setting on the same images.
 * @throws InputError for anything that does not fit; CancelledError on abort, with the state file written
 */
export async function searchCommand(flags: SearchFlags, signal?: AbortSignal): Promise<void> {
  if (flags.atMost && !flags.criteria?.length) {
    throw new InputError("--at-most", "--criteria, which it bounds", "none", "Add e.g. --criteria all.");
  }
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
    const quantize = withImages(model, flags.quantize ?? atBits(flags.bits), calibration);
    const progress = createProgress();
    const subject = { engine, sha256, images: calibration, head, quantize, signal, onProgress: progress };
    const start = await prepareSearch(subject, flags.block, flags.registers);
    const grid = searchGrid(flags, start, engine.spec);
    const options = { quantize, ...registerIds(start), head, ...(signal && { signal }) };
    const stateOf = searchSubject(sha256, { images: calibration, options });
    const known = await readState(flags.state, stateOf, calibration.count);
    const scores = new CellScores(engine, calibration, options, known);
    const save = async () => {
      if (flags.state !== undefined) await writeFile(flags.state, writeSearchState(stateOf, scores));
    };
    const run = flags.exhaustive ? searchExhaustively : searchSettings;
    let last: SearchReport | undefined;
    let steps = 0;
    try {
      for await (last of run(scores, grid, flags.objective)) {
        progress(`Search, ${last.stage}: evaluations`, last.evaluations, last.exhaustive);
        if (++steps % SAVE_EVERY === 0) await save();
      }
    } finally {
      await save();
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
    else printText(toText(last!, engine.spec, start.sensitiveBlock));
  } finally {
    await model.close();
  }
}

async function readState(path: string | undefined, subject: string, images: number) {
  if (path === undefined || !existsSync(path)) return {};
  const remedy = "Use the same model, images, registers and quantizer, or choose another file.";
  return readSearchState(await readFile(path, "utf8"), subject, images, { name: path, remedy });
}

/** Best settings that the table shows. */
const SHOWN = 10;

function toText(report: SearchReport, spec: EncoderSpec, sensitiveBlock: number): string {
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
    `${evaluations} of ${exhaustive} evaluations (${share} %) of ${settings} settings`,
    "",
    formatTable([head, ...cells.slice(0, SHOWN).map(row)]),
  ].join("\n");
}
