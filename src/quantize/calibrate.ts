import { randomLcg } from "d3-random";
import { collect } from "../engine/collect.ts";
import type { BlockStates, Engine, EngineInput, RunOptions } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { type BlockInputs, createGatherers, type Statistics, type StatisticsKind } from "./statistics.ts";

/** How many images are calibrated on unless something else is asked for; PTQ4ViT and RepQ-ViT take 32. */
export const CALIBRATION_IMAGES = 32;

/**
 * Told what calibration does, for people, and how much of it is done. It is waited for: a worker whose images need no waiting
 * would otherwise not hear that it is cancelled.
 */
export type CalibrationProgress = (stage: string, done: number, total: number) => unknown;

/** Stages that are told. A scale search comes with the first run of every block. */
export const CALIBRATION_STAGES = {
  statistics: "Calibrating, statistics (images)",
  gradients: "Calibrating, statistics and Hessian (images)",
  scales: "Calibrating, scale search (blocks)",
} as const;

/** Images to calibrate on. The engine keeps them by id and takes their statistics when a run needs them. */
export interface CalibrationImages {
  /** What quantization settings name it by. Equal ids must mean equal images. */
  readonly id: string;
  readonly count: number;
  /** Loaded when needed, so that pixels need not all lie in memory. */
  load(i: number): Promise<EngineInput>;
  readonly onProgress?: CalibrationProgress | undefined;
}

/** Identifies statistics: the images, and what is done to the encoder that they run through. */
export function statisticsKey(set: string, kind: StatisticsKind, intervention: Intervention): string {
  return JSON.stringify([set, kind, { ...intervention, quantize: null }]);
}

/**
 * Runs the images in FP, with the intervention's prefix and deletion in place, and takes the statistics of every linear's
 * input: a quantizer under RegCache is calibrated on the encoder with RegCache (paper, tables). Gradients are those of u . f, f the
 * pooled feature and u random signs, another for every image: their squares estimate the diagonal of J^T J (Hutchinson), the
 * Gauss-Newton Hessian of the feature's squared error. No labels are needed.
 * @throws InputError for no images or an intervention that does not fit; CancelledError on abort
 */
export async function calibrate(
  engine: Pick<Engine, "spec" | "run" | "backward">,
  set: CalibrationImages,
  kind: StatisticsKind,
  intervention: Intervention,
  options: Pick<RunOptions, "signal" | "priority"> = {},
): Promise<Statistics> {
  const total = set.count;
  if (total === 0) {
    throw new InputError("Calibration", "at least one image", "none", "Choose some images.");
  }
  const gatherers = createGatherers(engine.spec, kind, total);
  const run: Intervention = { ...intervention, quantize: null };
  const sign = randomLcg(0);
  const stage = CALIBRATION_STAGES[kind.gradients ? "gradients" : "statistics"];
  await set.onProgress?.(stage, 0, total);
  for (let i = 0; i < total; i++) {
    const inputs: BlockInputs[] = [];
    const states: BlockStates[] = [];
    const { traces } = await collect(
      engine.run(await set.load(i), run, {
        ...options,
        onInputs: (block, read) => {
          if (kind.gradients) inputs.push(read);
          else gatherers.add(block, read, null);
        },
        ...(kind.gradients && { onStates: (state: BlockStates) => states.push(state) }),
      }),
    );
    if (kind.gradients) {
      const u = Float32Array.from({ length: engine.spec.width }, () => (sign() < 0.5 ? -1 : 1));
      const blocks = states.map(({ input }, block) => ({ x: input, positions: traces[block]!.positions }));
      const gradients = await engine.backward({ blocks, output: states.at(-1)!.output }, run, u, options);
      for (const [block, read] of inputs.entries()) gatherers.add(block, read, gradients[block]!);
    }
    await set.onProgress?.(stage, i + 1, total);
  }
  return { key: statisticsKey(set.id, kind, intervention), images: total, blocks: gatherers.finish() };
}
