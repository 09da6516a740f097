import { type PartMaxima, partMaxima } from "../evaluate/part-maxima.ts";
import { modelReport } from "../trace/trace-report.ts";
import { bundledModel, openBundledSet } from "./bundled.ts";
import { openModel } from "./open-model.ts";
import { createProgress, formatTable, magnitude, printJson, printText } from "./output.ts";

export interface MasksFlags {
  /** Another model than the bundled one. */
  readonly model?: string;
  /** See `ModelFlags`. */
  readonly mirror?: string;
  readonly limit?: number;
  readonly seed: number;
  readonly json?: boolean;
  /** Folder that holds `models/` and `datasets/`. */
  readonly assets: string;
}

/**
 * `masks`: the foreground/background experiment over the bundled test scenes, which have exact masks (paper, Figure 4).
 * @throws InputError for a model that does not fit; CancelledError on abort
 */
export async function masksCommand(flags: MasksFlags, signal?: AbortSignal): Promise<void> {
  const set = await openBundledSet(flags.assets, "test");
  const model = await openModel({ ...flags, model: flags.model ?? bundledModel(flags.assets) }, signal);
  try {
    const progress = createProgress();
    const { seed, limit } = flags;
    const report = await partMaxima(model.engine, set, {
      seed,
      limit,
      signal,
      onProgress: (done, total) => progress("Comparing", done, total),
    });
    if (flags.json) printJson({ model: modelReport(model.engine.spec, model.sha256), ...report });
    else printText(toText(report));
  } finally {
    await model.close();
  }
}

/** The maxima as a table for people. */
function toText({ n, seed, dataset, blocks }: PartMaxima): string {
  const head = ["block", "residual", "foreground", "background", "FC2 input", "foreground", "background"];
  const rows = blocks.map(({ block, residual, fc2Input }) => [
    String(block),
    ...[residual, fc2Input].flatMap((part) =>
      [part.original, part.foreground, part.background].map(magnitude),
    ),
  ]);
  return [
    `Mean over ${n} images of ${dataset} (seed ${seed}) of the maximum over tokens, L-inf:`,
    "original, foreground only, background only; the rest is zeroed after normalisation",
    "",
    formatTable([head, ...rows]),
  ].join("\n");
}
