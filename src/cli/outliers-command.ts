import { resolve } from "node:path";
import {
  type BlockOutliers,
  type OutlierStatistics,
  outlierStatistics,
} from "../evaluate/outlier-statistics.ts";
import { uniteLabelled } from "../evaluate/unite-labelled.ts";
import { type OutlierCriterionId, outlierCriterion } from "../measure/outlier-criteria.ts";
import { modelReport } from "../trace/trace-report.ts";
import { bundledModel, openBundledSet } from "./bundled.ts";
import { type ImagesFlags, openImageFolder, openImages } from "./open-images.ts";
import { openModel } from "./open-model.ts";
import { createProgress, formatTable, magnitude, printJson, printText, skippedLines } from "./output.ts";

export interface OutliersFlags extends Omit<ImagesFlags, "data"> {
  /** Folders of images, flat or of class-named folders, of which the union is taken. */
  readonly data?: readonly string[];
  readonly criterion: OutlierCriterionId;
  readonly json?: boolean;
}

/**
 * `outliers`: how many outlier tokens the images of some folders have after each block, and what they are like. `--bundled` counts on
 * the bundled test scenes, whose exact masks tell background from foreground.
 * @throws InputError for anything that does not fit; CancelledError on abort
 */
export async function outliersCommand(flags: OutliersFlags, signal?: AbortSignal): Promise<void> {
  const { model: folder, set } = flags.bundled
    ? { model: bundledModel(flags.assets), set: await openBundledSet(flags.assets, "test") }
    : await openFolders(flags);
  const model = await openModel({ ...flags, model: folder }, signal);
  try {
    const progress = createProgress();
    const report = await outlierStatistics(model.engine, set, {
      criterion: flags.criterion,
      seed: flags.seed,
      limit: flags.limit,
      signal,
      onProgress: (done, total) => progress("Counting", done, total),
    });
    if (flags.json) printJson({ model: modelReport(model.engine.spec, model.sha256), ...report });
    else printText(toText(report));
  } finally {
    await model.close();
  }
}

/** @throws InputError when the model or the folders are missing, or an image lies in two of them */
async function openFolders({ data = [], ...flags }: OutliersFlags) {
  const [first, ...others] = data;
  const { model, set } = await openImages({ ...flags, ...(first !== undefined && { data: resolve(first) }) });
  const sets = [set];
  for (const folder of others) sets.push((await openImageFolder(resolve(folder))).set);
  return { model, set: uniteLabelled(sets, "--data") };
}

function toText({ n, skipped, seed, dataset, criterion, blocks }: OutlierStatistics): string {
  const percent = (value: number | null) => (value === null ? "-" : `${(100 * value).toFixed(1)} %`);
  const cosine = (value: number | null) => (value === null ? "-" : value.toFixed(3));
  const row = (each: BlockOutliers) => [
    String(each.block),
    percent(each.images),
    `${each.tokens.min} / ${each.tokens.mean.toFixed(2)} / ${each.tokens.max}`,
    percent(each.share),
    String(each.special),
    percent(each.background),
    each.channel ? `${each.channel.index} (${percent(each.channel.share)})` : "-",
    magnitude(each.max),
    magnitude(each.maxOverMedian),
    each.fc2OverMedian
      ? `${magnitude(each.fc2OverMedian.min)} / ${magnitude(each.fc2OverMedian.median)}`
      : "-",
    `${cosine(each.cosine.outliers)} / ${cosine(each.cosine.normal)}`,
  ];
  const head = [
    "block",
    "images",
    "tokens min/mean/max",
    "of tokens",
    "special",
    "background",
    "channel",
    "max",
    "max/median",
    "fc2 min/median",
    "cosine outliers/normal",
  ];
  return [
    `Outlier tokens after each block, ${n} images of ${dataset} (seed ${seed}); ${outlierCriterion(criterion).label}`,
    ...skippedLines(skipped),
    "images: part that has one; background: part of the outlier patches with under 1 % foreground; fc2: L-inf of FC2's",
    "input on outliers over the median token's in the same image; max/median: largest |x| over the median |x|",
    "",
    formatTable([head, ...blocks.map(row)]),
  ].join("\n");
}
