import type { EncoderSpec } from "../encoder/spec.ts";
import { LINEARS, type LinearName } from "../encoder/weights.ts";
import type { LinearGradients } from "../engine/backward.ts";
import type { Quantization } from "../intervention/quantization.ts";
import { AttentionGatherer, type AttentionStatistics, type AttentionValues } from "./attention-statistics.ts";
import { InputGatherer, type InputStatistics } from "./input-gatherer.ts";

/** Of a block's four linears, and of its attention matmuls where they were asked for. */
export interface BlockStatistics extends Readonly<Record<LinearName, InputStatistics>> {
  readonly attention?: AttentionStatistics;
}

/** Inputs of a block's four linears in one run, [T, in] each, and what its attention matmuls multiplied. */
export interface BlockInputs extends Readonly<Record<LinearName, Float32Array>> {
  readonly attention: AttentionValues;
}

/** Statistics of one encoder on one set of images, with one prefix and deletion in place. */
export interface Statistics {
  /** Equal keys mean equal statistics. */
  readonly key: string;
  readonly images: number;
  readonly blocks: readonly BlockStatistics[];
}

/** What is gathered. */
export interface StatisticsKind {
  /** `full` adds percentiles (a sort of every tensor) and sample rows (memory). */
  readonly detail: "basic" | "full";
  /** Also of the attention matmuls. */
  readonly attention: boolean;
  /** Also squared gradients at the linears' outputs. */
  readonly gradients: boolean;
}

/** What a quantization needs; null = no calibration. */
export function statisticsKind(q: Quantization): StatisticsKind | null {
  const detail = statisticsDetail(q);
  return detail && { detail, attention: q.attention ?? false, gradients: q.scaleSearch === "hessian" };
}

function statisticsDetail(q: Quantization): StatisticsKind["detail"] | null {
  if (q.base === "ptq4vit" || q.base === "repq-vit") return "full";
  if (q.range?.kind === "static") return q.range.statistic === "percentile" ? "full" : "basic";
  return q.smoothQuant ? "basic" : null;
}

/** Sample rows over all images: enough tokens that a few outliers are among them, few enough to keep. */
const SAMPLE_ROWS = 256;

/** The same of the softmax output, whose rows are short and many. */
const SOFTMAX_ROWS = 512;

/** Gathers the statistics of all blocks. */
export function createGatherers(spec: EncoderSpec, { detail, attention }: StatisticsKind, images: number) {
  const width = (name: LinearName) => (name === "fc2" ? spec.mlpWidth : spec.width);
  const perImage = Math.max(1, Math.ceil(SAMPLE_ROWS / images));
  const softmaxRows = Math.max(1, Math.ceil(SOFTMAX_ROWS / images));
  const blocks = Array.from({ length: spec.blocks }, () => ({
    linears: LINEARS.map((name) => new InputGatherer(width(name), detail, perImage)),
    attention: attention
      ? new AttentionGatherer(spec.width, spec.heads, detail, perImage, softmaxRows)
      : null,
  }));
  return {
    add(block: number, inputs: BlockInputs, gradients: LinearGradients | null): void {
      const gatherers = blocks[block]!;
      LINEARS.forEach((name, i) => {
        gatherers.linears[i]!.add(inputs[name], gradients ? gradients[name] : null);
      });
      gatherers.attention?.add(inputs.attention);
    },
    finish: (): BlockStatistics[] =>
      blocks.map(({ linears, attention }) => {
        const inputs = LINEARS.map((name, i) => [name, linears[i]!.finish()]);
        const ofLinears = Object.fromEntries(inputs) as Record<LinearName, InputStatistics>;
        return attention ? { ...ofLinears, attention: attention.finish() } : ofLinears;
      }),
  };
}
