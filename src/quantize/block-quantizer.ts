import { type BlockWeights, LINEARS, type Linear, type LinearName } from "../encoder/weights.ts";
import type { ActivationRounding } from "../graph/activation-rounding.ts";
import type { AttentionRounding } from "../graph/attention-rounding.ts";
import type { BlockQuantization } from "../graph/block.ts";
import type { IntegerLinear } from "../graph/integer-linear.ts";
import type { Quantization } from "../intervention/quantization.ts";
import { applyFold, channelFold, type Fold, smoothingFold } from "./fold.ts";
import { errorWeights, searchWeightScales } from "./scale-search.ts";
import type { BlockStatistics } from "./statistics.ts";
import { fromLevels, integerLinearOf, type WeightLevels, weightLevels } from "./weights.ts";

/** A block made ready for a quantization: what its graph is built from, and what its activation grids need of the weights. */
export interface QuantizedBlock {
  readonly weights: BlockWeights;
  readonly graph: BlockQuantization;
  /** SmoothQuant's divisors of the LayerNorm outputs, by linear. */
  readonly folds: Readonly<Partial<Record<LinearName, Fold>>>;
  /** What weighs errors of the input in a scale search (PTQ4ViT), see errorWeights; empty for other bases. */
  readonly norms: Readonly<Partial<Record<LinearName, ArrayLike<number>>>>;
  /** Linear whose input has PTQ4ViT's twin grids; null = none. */
  readonly twin: LinearName | null;
}

/** Linears that read a LayerNorm, into which a fold can go; GELU and attention outputs have none. */
const NORM_OF = { qkv: "norm1", fc1: "norm2" } as const;

/** Linears that a quantization rounds. */
export function quantizedLinears(quantization: Quantization): readonly LinearName[] {
  return quantization.linears ?? LINEARS;
}

/**
 * Folds and rounds the weights of the quantized linears; biases, norms (apart from folds) and LayerScale stay FP.
 * @param statistics needed by SmoothQuant, PTQ4ViT and RepQ-ViT
 */
export function quantizeBlock(
  weights: BlockWeights,
  q: Quantization,
  statistics: BlockStatistics | null,
): QuantizedBlock {
  let block = weights;
  const folds: Partial<Record<LinearName, Fold>> = {};
  const norms: Partial<Record<LinearName, ArrayLike<number>>> = {};
  const integers: Partial<Record<LinearName, IntegerLinear>> = {};
  for (const name of quantizedLinears(q)) {
    const fold = foldFor(block, name, q, statistics);
    if (fold && (name === "qkv" || name === "fc1")) {
      const { norm, layer } = applyFold(block[NORM_OF[name]], block[name], fold);
      block = { ...block, [NORM_OF[name]]: norm, [name]: layer };
      folds[name] = fold;
    }
    const levels = roundedWeight(block[name], name, q, statistics);
    if (q.arithmetic === "int8") {
      integers[name] = integerLinearOf(block[name], levels);
      continue;
    }
    const layer: Linear = { ...block[name], weight: fromLevels(levels) };
    block = { ...block, [name]: layer };
    if (q.base === "ptq4vit" && statistics) norms[name] = errorWeights(layer, statistics[name]);
  }
  // The twin grids are for a tensor that GELU bounded below; the product of SwiGLU's halves has no such side.
  const isGated = weights.fc1.out !== weights.fc2.in;
  const twin = q.base === "ptq4vit" && !isGated ? "fc2" : null;
  return { weights: block, graph: blockGraph(q, integers, twin), folds, norms, twin };
}

function foldFor(
  block: BlockWeights,
  name: LinearName,
  q: Quantization,
  statistics: BlockStatistics | null,
): Fold | null {
  if (!statistics || !(name in NORM_OF)) return null;
  if (q.base === "repq-vit") return channelFold(statistics[name], q.activationBits).fold;
  return q.smoothQuant ? smoothingFold(block[name], statistics[name], q.smoothQuant.alpha) : null;
}

function roundedWeight(
  layer: Linear,
  name: LinearName,
  q: Quantization,
  statistics: BlockStatistics | null,
): WeightLevels {
  const granularity = weightGranularityOf(q);
  const { weight, out } = layer;
  if (q.base !== "ptq4vit" || !statistics) return weightLevels(weight, out, q.weightBits, granularity);
  const scales = searchWeightScales(layer, statistics[name], q.weightBits, granularity);
  return weightLevels(weight, out, q.weightBits, granularity, scales);
}

/** RepQ-ViT's weights have a scale per output channel: its fold makes the columns of a weight unlike. */
export function weightGranularityOf(q: Quantization): Quantization["weightGranularity"] {
  return q.base === "repq-vit" ? "per-channel" : q.weightGranularity;
}

function blockGraph(
  q: Quantization,
  integers: Readonly<Partial<Record<LinearName, IntegerLinear>>>,
  twin: LinearName | null,
): BlockQuantization {
  const range = isStatic(q) ? "static" : "dynamic";
  const clips = q.clip !== undefined && range === "dynamic";
  const scheme = q.activationScheme ?? "symmetric";
  if (q.arithmetic === "int8") {
    return { arithmetic: "int8", linears: integers, activations: { range, scheme, clips } };
  }
  const activations: ActivationRounding = {
    range,
    scheme,
    granularity: q.activationGranularity ?? "per-tensor",
    clips,
    excludes: q.excludeOutliers?.kind ?? null,
    twin,
  };
  return {
    arithmetic: "simulated",
    linears: quantizedLinears(q),
    activations,
    attention: q.attention ? { range, scheme, clips, ...attentionOf(q.base) } : null,
  };
}

/** The bases' softmax quantizers; PTQ4ViT's q, k and v have a scale a head. */
function attentionOf(base: Quantization["base"]): Pick<AttentionRounding, "perHead" | "softmax"> {
  if (base === "ptq4vit") return { perHead: true, softmax: "twin" };
  return { perHead: false, softmax: base === "repq-vit" ? "log-sqrt2" : "uniform" };
}

/** Whether scales are searched for least error, not read off a range. */
export function searchesScales(q: Quantization): boolean {
  return q.base === "ptq4vit" || q.base === "repq-vit";
}

/** Whether activation grids are fixed before the run. */
export function isStatic(q: Quantization): boolean {
  return q.range?.kind === "static" || searchesScales(q);
}
