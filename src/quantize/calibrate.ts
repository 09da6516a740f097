import { collect } from "../engine/collect.ts";
import type { Engine, EngineInput, RunOptions } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { createGatherers, type Statistics, type StatisticsKind } from "./statistics.ts";

/** Images to calibrate on. The engine keeps them by id and takes their statistics when a run needs them. */
export interface CalibrationSet {
  /** What quantization settings name it by. Equal ids must mean equal images. */
  readonly id: string;
  /** What the images are, for people. */
  readonly data: string;
  /** Loaded when needed, so that pixels need not all lie in memory. */
  readonly images: readonly (() => Promise<EngineInput>)[];
}

export interface CalibrateOptions extends Pick<RunOptions, "signal" | "priority"> {
  readonly onProgress?: (done: number, total: number) => void;
}

/** Identifies statistics: the images, and what is done to the encoder that they run through. */
export function statisticsKey(set: string, kind: StatisticsKind, intervention: Intervention): string {
  return JSON.stringify([set, kind, { ...intervention, quantize: null }]);
}

/**
 * Runs the images in FP, with the intervention's prefix and deletion in place, and takes the statistics of every linear's
 * input: a quantizer under RegCache is calibrated on the encoder with RegCache (paper, tables).
 * @throws InputError for no images or an intervention that does not fit; CancelledError on abort
 */
export async function calibrate(
  engine: Pick<Engine, "spec" | "run">,
  set: CalibrationSet,
  kind: StatisticsKind,
  intervention: Intervention,
  { onProgress, ...options }: CalibrateOptions = {},
): Promise<Statistics> {
  const total = set.images.length;
  if (total === 0) {
    throw new InputError("Calibration", "at least one image", "none", "Choose some images.");
  }
  const gatherers = createGatherers(engine.spec, kind, total);
  const run: Intervention = { ...intervention, quantize: null };
  for (const [done, load] of set.images.entries()) {
    await collect(
      engine.run(await load(), run, {
        ...options,
        onInputs: (block, inputs) => gatherers.add(block, inputs),
      }),
    );
    onProgress?.(done + 1, total);
  }
  return { key: statisticsKey(set.id, kind, intervention), images: total, blocks: gatherers.finish() };
}
