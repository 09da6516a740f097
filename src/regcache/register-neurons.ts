import type { Engine } from "../engine/types.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { TokenOfImage } from "./candidates.ts";

/** A column of the input of a block's fc2, and how active it is on outlier tokens. */
export interface RegisterNeuron {
  readonly block: number;
  readonly neuron: number;
  /** Mean over the outlier tokens of its |activation|. */
  readonly score: number;
}

export interface RegisterNeurons {
  /** Block whose output raises the outlier tokens' residual L-inf most, as a ratio to the block before. */
  readonly createBlock: number;
  /** Largest score first; equal scores in the order of blocks and columns. */
  readonly neurons: readonly RegisterNeuron[];
}

export interface RegisterNeuronOptions {
  /** The create block is looked for up to this one. */
  readonly lastBlock: number;
  /** How many neurons are kept. */
  readonly top: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Register neurons (Jiang et al. 2506.08010, "finding register neurons"): over all blocks up to the one that creates the
 * outliers, the columns of fc2's input with the largest mean magnitude on the outlier tokens of FP runs. Outlier tokens are
 * RegCache's candidates (the largest residual L-inf over the calibration images), not those over the authors' fixed norm,
 * because scales differ by model; likewise the create block is measured, where the authors give the highest block by hand.
 * @throws InputError when an image cannot be read; CancelledError on abort
 */
export async function findRegisterNeurons(
  engine: Engine,
  images: CalibrationSet,
  outliers: readonly TokenOfImage[],
  { lastBlock, top, signal, onProgress }: RegisterNeuronOptions,
): Promise<RegisterNeurons> {
  const { mlpWidth } = engine.spec;
  const sums = Array.from({ length: lastBlock + 1 }, () => new Float64Array(mlpWidth));
  const residual = new Float64Array(lastBlock + 1);
  const owners = [...new Set(outliers.map(({ image }) => image))].sort((a, b) => a - b);
  for (const [done, image] of owners.entries()) {
    throwIfCancelled(signal, "Finding register neurons");
    const rows = outliers.filter((each) => each.image === image).map(({ token }) => token);
    const run = engine.run(await images.load(image), NO_INTERVENTION, {
      priority: "background",
      ...(signal && { signal }),
      onInputs: (block, { fc2 }) => addMagnitudes(sums[block]!, fc2, rows),
    });
    for await (const trace of run) {
      for (const row of rows) residual[trace.block]! += trace.residual.linf[row]!;
      if (trace.block === lastBlock) break;
    }
    onProgress?.(done + 1, owners.length);
  }
  const createBlock = steepest(residual);
  const all = sums
    .slice(0, createBlock + 1)
    .flatMap((sum, block) =>
      Array.from(sum, (total, neuron) => ({ block, neuron, score: total / outliers.length })),
    );
  return { createBlock, neurons: all.sort((a, b) => b.score - a.score).slice(0, top) };
}

/** Adds |x| of some rows of x [T, width] to `sum` [width]. */
function addMagnitudes(sum: Float64Array, x: Float32Array, rows: readonly number[]): void {
  const width = sum.length;
  for (const row of rows) for (let c = 0; c < width; c++) sum[c]! += Math.abs(x[row * width + c]!);
}

/** Index of the largest ratio of a value to the one before it; 0 for a single value. */
function steepest(values: Float64Array): number {
  const ratios = Array.from(values, (value, i) => (i === 0 ? 0 : value / values[i - 1]!));
  return ratios.indexOf(Math.max(...ratios));
}
