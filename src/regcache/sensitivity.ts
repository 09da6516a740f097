import type { EncoderSpec } from "../encoder/spec.ts";
import { LINEARS, type LinearName } from "../encoder/weights.ts";
import { collect } from "../engine/collect.ts";
import type { Engine } from "../engine/types.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import { cosine } from "../evaluate/cosine.ts";
import { meanSquaredError } from "../evaluate/feature-error.ts";
import type { Head } from "../evaluate/head.ts";
import type { ConfigurationResult } from "../evaluate/report.ts";
import { runToEnd } from "../evaluate/run-image.ts";
import type { Skipped } from "../evaluate/skipped.ts";
import { Tally } from "../evaluate/tally.ts";
import { requireRangesPerImage } from "../intervention/batch.ts";
import { NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";

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

export interface SensitivityOptions {
  readonly quantize: Quantization;
  readonly by: "block" | "linear";
  /** Reads labels off the features; null or a set without labels = label-free. */
  readonly head?: Head | null;
  readonly signal?: AbortSignal;
}

/**
 * Sensitivity (paper, step 1): every block, or every linear, is quantized alone while the rest stays FP. Yields a
 * report after every image. All units of an image follow each other, so the blocks before a unit come from the
 * engine's cache of that image's FP run: a sweep over L blocks costs L + L (L + 1) / 2 block runs an image, not L².
 * @throws CancelledError on abort; InputError when an image cannot be read, or for ranges per batch
 */
export async function* sweepSensitivity(
  engine: Engine,
  images: CalibrationSet,
  { quantize, by, head = null, signal }: SensitivityOptions,
): AsyncGenerator<SensitivityReport, void> {
  requireRangesPerImage(quantize, "Sensitivity");
  const sums = sensitivityUnits(engine.spec, by).map((unit) => ({
    unit,
    mse: 0,
    cosine: 0,
    tally: new Tally(unitName(unit)),
  }));
  const maxima = Array.from({ length: engine.spec.blocks }, () => new Maxima());
  const reader = images.label ? head : null;
  let fpCorrect = 0;
  for (let i = 0; i < images.count; i++) {
    throwIfCancelled(signal, "The sensitivity sweep");
    const input = await images.load(i);
    const options = { priority: "background", ...(signal && { signal }) } as const;
    const { traces, result: fp } = await collect(engine.run(input, NO_INTERVENTION, options));
    for (const trace of traces) maxima[trace.block]!.add(trace);
    const label = images.label?.(i) ?? -1;
    const isRight = (run: typeof fp) => reader !== null && reader.classify(run) === label;
    if (isRight(fp)) fpCorrect += 1;
    for (const sum of sums) {
      const alone = { ...NO_INTERVENTION, quantize: only(quantize, sum.unit) };
      const run = await runToEnd(engine, input, alone, signal);
      sum.mse += meanSquaredError(run.feature, fp.feature);
      sum.cosine += cosine(run.feature, fp.feature);
      sum.tally.add(isRight(run), isRight(fp), run, fp);
    }
    const n = i + 1;
    const units = sums.map(({ unit, mse, cosine, tally }) => ({
      ...unit,
      mse: mse / n,
      cosine: cosine / n,
      accuracy: reader && accuracyOf(tally),
    }));
    yield {
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
  }
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
  #residual = { max: 0, sum: 0 };
  #fc2 = { max: 0, sum: 0 };

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
