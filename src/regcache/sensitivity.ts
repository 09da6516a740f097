import { z } from "zod";
import type { EncoderSpec } from "../encoder/spec.ts";
import { LINEARS, type LinearName } from "../encoder/weights.ts";
import { collect } from "../engine/collect.ts";
import type { Engine } from "../engine/types.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import { cosine } from "../evaluate/cosine.ts";
import { meanSquaredError } from "../evaluate/feature-error.ts";
import type { Head } from "../evaluate/head.ts";
import { countsSchema } from "../evaluate/progress-schema.ts";
import type { ConfigurationResult } from "../evaluate/report.ts";
import { runToEnd } from "../evaluate/run-image.ts";
import type { Skipped } from "../evaluate/skipped.ts";
import { Tally } from "../evaluate/tally.ts";
import { requireRangesPerImage } from "../intervention/batch.ts";
import { NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import { type ExperimentMemory, NO_MEMORY } from "./experiment-memory.ts";

/** What is quantized alone: a block, or one linear of it. */
export interface SensitivityUnit {
  readonly block: number;
  /** null = all four linears of the block. */
  readonly linear: LinearName | null;
}

/** Accuracy of a unit, where labels can be read. */
export type UnitAccuracy = Pick<ConfigurationResult, "correct" | "top1" | "interval" | "difference">;

export interface UnitResult extends SensitivityUnit {
  /** Mean squared error of the pooled feature to FP32's, over channels and images. */
  readonly mse: number;
  /** Mean cosine of the pooled feature to FP32's. */
  readonly cosine: number;
  /** null without labels. */
  readonly accuracy: UnitAccuracy | null;
}

/** Maxima of one block in the FP runs. `max` is over all images, `meanMax` the mean of the images' own maxima. */
export interface BlockMaxima {
  readonly block: number;
  /** Residual stream after the block, L-inf (the paper's v1 norm). */
  readonly residual: { readonly max: number; readonly meanMax: number };
  /** Input of FC2, L-inf (the paper's v4 norm). */
  readonly fc2Input: { readonly max: number; readonly meanMax: number };
}

/** Running or final state of a sweep: every unit has seen the same n images. */
export interface SensitivityReport {
  readonly n: number;
  readonly total: number;
  /** Images that could not be read; `total` is without them. */
  readonly skipped: Skipped;
  readonly data: string;
  readonly quantize: Quantization;
  readonly by: "block" | "linear";
  /** How labels are read; null = label-free. */
  readonly head: string | null;
  readonly fp32: { readonly correct: number; readonly top1: number } | null;
  readonly units: readonly UnitResult[];
  readonly blocks: readonly BlockMaxima[];
  /** The unit whose quantization costs most: see {@link mostSensitive}. */
  readonly mostSensitive: SensitivityUnit;
}

/** Sums of a sweep over the images so far: all that it must remember. */
const sweepStateSchema = z.strictObject({
  n: z.int().min(1),
  fpCorrect: z.int().min(0),
  units: z.array(z.strictObject({ mse: z.number(), cosine: z.number(), counts: countsSchema })),
  blocks: z.array(z.strictObject({ residual: maximumSchema(), fc2: maximumSchema() })),
});

function maximumSchema() {
  return z.strictObject({ max: z.number(), sum: z.number() });
}

/** Name of a sweep's state in its memory. */
const SWEEP = "sensitivity";

export interface SensitivityOptions {
  readonly quantize: Quantization;
  readonly by: "block" | "linear";
  /** Reads labels off the features; null or a set without labels = label-free. */
  readonly head?: Head | null;
  readonly signal?: AbortSignal;
  /** Where it goes on from, and is kept after every image. */
  readonly memory?: ExperimentMemory | undefined;
}

/**
 * Sensitivity (paper, step 1): every block, or every linear, is quantized alone while the rest stays FP. Yields a
 * report after every image. All units of an image follow each other, so the blocks before a unit come from the
 * engine's cache of that image's FP run: a sweep over L blocks costs L + L (L + 1) / 2 block runs an image, not L².
 * One that its memory holds whole yields its report again.
 * @throws CancelledError on abort; InputError when an image cannot be read, or for ranges per batch
 */
export async function* sweepSensitivity(
  engine: Engine,
  images: CalibrationSet,
  { quantize, by, head = null, signal, memory = NO_MEMORY }: SensitivityOptions,
): AsyncGenerator<SensitivityReport, void> {
  requireRangesPerImage(quantize, "Sensitivity");
  const wanted = sensitivityUnits(engine.spec, by);
  const known = recallSweep(memory, wanted.length, engine.spec.blocks, images.count);
  const sums = wanted.map((unit, u) => {
    const { mse = 0, cosine = 0, counts } = known?.units[u] ?? {};
    return { unit, mse, cosine, tally: new Tally(unitName(unit), counts) };
  });
  const maxima = Array.from({ length: engine.spec.blocks }, (_, block) => new Maxima(known?.blocks[block]));
  const reader = images.label ? head : null;
  let fpCorrect = known?.fpCorrect ?? 0;
  const report = (n: number): SensitivityReport => {
    const units = sums.map(({ unit, mse, cosine, tally }) => ({
      ...unit,
      mse: mse / n,
      cosine: cosine / n,
      accuracy: reader && accuracyOf(tally),
    }));
    return {
      n,
      total: images.count,
      skipped: images.skipped,
      data: images.name,
      quantize,
      by,
      head: reader?.describe ?? null,
      fp32: reader && { correct: fpCorrect, top1: fpCorrect / n },
      units,
      blocks: maxima.map((each, block) => each.result(block, n)),
      mostSensitive: mostSensitive(units),
    };
  };
  if (known) yield report(known.n);
  for (let i = known?.n ?? 0; i < images.count; i++) {
    throwIfCancelled(signal, "The sensitivity sweep");
    const input = await images.load(i);
    const options = { priority: "background", ...(signal && { signal }) } as const;
    const { traces, result: fp } = await collect(engine.run(input, NO_INTERVENTION, options));
    const label = images.label?.(i) ?? -1;
    const isRight = (run: typeof fp) => reader !== null && reader.classify(run) === label;
    const runs: RunResult[] = [];
    for (const { unit } of sums) {
      const alone = { ...NO_INTERVENTION, quantize: only(quantize, unit) };
      runs.push(await runToEnd(engine, input, alone, signal));
    }
    // Counted only when all of the image is there: what is kept never holds a part of one.
    for (const trace of traces) maxima[trace.block]!.add(trace);
    if (isRight(fp)) fpCorrect += 1;
    for (const [u, sum] of sums.entries()) {
      const run = runs[u]!;
      sum.mse += meanSquaredError(run.feature, fp.feature);
      sum.cosine += cosine(run.feature, fp.feature);
      sum.tally.add(isRight(run), isRight(fp), run, fp);
    }
    await memory.keep(
      SWEEP,
      (): z.infer<typeof sweepStateSchema> => ({
        n: i + 1,
        fpCorrect,
        units: sums.map(({ mse, cosine, tally }) => ({ mse, cosine, counts: tally.counts })),
        blocks: maxima.map((each) => each.state),
      }),
    );
    yield report(i + 1);
  }
}

/** @throws InputError when what was kept is of another number of units, blocks or images */
function recallSweep(memory: ExperimentMemory, units: number, blocks: number, images: number) {
  const fits = sweepStateSchema.refine(
    (state) => state.units.length === units && state.blocks.length === blocks && state.n <= images,
    { message: `${units} units, ${blocks} blocks and at most ${images} images` },
  );
  return memory.recall(SWEEP, fits);
}

/** The units of a sweep, block by block, linears in the order in which a block runs them. */
export function sensitivityUnits(
  spec: Pick<EncoderSpec, "blocks">,
  by: "block" | "linear",
): SensitivityUnit[] {
  const linears = by === "block" ? [null] : LINEARS;
  return Array.from({ length: spec.blocks }, (_, block) =>
    linears.map((linear) => ({ block, linear })),
  ).flat();
}

/**
 * The unit with the largest accuracy drop (paper: l_q), ties and label-free sweeps by the largest feature error:
 * on few images many units lose the same number.
 */
export function mostSensitive(units: readonly UnitResult[]): SensitivityUnit {
  const worst = units.reduce((a, b) => {
    const drop = (b.accuracy?.top1 ?? 0) - (a.accuracy?.top1 ?? 0);
    return drop < 0 || (drop === 0 && b.mse > a.mse) ? b : a;
  });
  return { block: worst.block, linear: worst.linear };
}

/** E.g. "block 7" or "block 7 fc2". */
export function unitName({ block, linear }: SensitivityUnit): string {
  return linear === null ? `block ${block}` : `block ${block} ${linear}`;
}

function only(quantize: Quantization, { block, linear }: SensitivityUnit): Quantization {
  return { ...quantize, blocks: [block], ...(linear !== null && { linears: [linear] }) };
}

function accuracyOf(tally: Tally): UnitAccuracy {
  const { correct, top1, interval, difference } = tally.result(false);
  return { correct, top1, interval, difference };
}

class Maxima {
  readonly #residual = { max: 0, sum: 0 };
  readonly #fc2 = { max: 0, sum: 0 };

  /** @param known of a sweep that goes on */
  constructor(known?: Maxima["state"]) {
    Object.assign(this.#residual, known?.residual);
    Object.assign(this.#fc2, known?.fc2);
  }

  get state() {
    return { residual: { ...this.#residual }, fc2: { ...this.#fc2 } };
  }

  add({ residual, inputs }: LayerTrace): void {
    for (const [to, values] of [
      [this.#residual, residual.linf],
      [this.#fc2, inputs.fc2],
    ] as const) {
      const max = values.reduce((a, b) => Math.max(a, b), 0);
      to.max = Math.max(to.max, max);
      to.sum += max;
    }
  }

  result(block: number, n: number): BlockMaxima {
    const of = ({ max, sum }: { max: number; sum: number }) => ({ max, meanMax: sum / n });
    return { block, residual: of(this.#residual), fc2Input: of(this.#fc2) };
  }
}
