import type { LinearName } from "../encoder/weights.ts";
import { PERCENTILES, type Quantization } from "../intervention/quantization.ts";
import { attentionGrids } from "./attention-grids.ts";
import { isStatic, type QuantizedBlock, quantizedLinears } from "./block-quantizer.ts";
import { channelFold } from "./fold.ts";
import { asymmetricGrid, clipRange, type Grid, largestLevel, type Range, symmetricGrid } from "./grid.ts";
import type { InputStatistics } from "./input-gatherer.ts";
import { searchPercentile, searchSymmetric, searchTwin } from "./scale-search.ts";
import type { BlockStatistics } from "./statistics.ts";

/** Inputs of a quantized block's graph, by name: scalars, or one number a head (graph/*-rounding.ts, graph/integer-linear.ts). */
export type GridFeeds = Readonly<Record<string, number | readonly number[]>>;

/** More than any activation: clips nothing. */
const NO_LIMIT = 3e38;

/**
 * What a quantized block's graph is fed with besides its tokens: bits and bounds of dynamic ranges, or whole static grids.
 * @param statistics needed by static ranges and calibrated bases
 */
export function activationGrids(
  q: Quantization,
  block: Pick<QuantizedBlock, "folds" | "norms" | "twin">,
  statistics: BlockStatistics | null,
): GridFeeds {
  if (!isStatic(q)) return dynamicFeeds(q);
  const feeds: Record<string, number | readonly number[]> = {};
  for (const name of quantizedLinears(q))
    Object.assign(feeds, staticFeeds(q, name, block, statistics![name]));
  if (q.attention) Object.assign(feeds, attentionGrids(q, statistics!.attention!));
  return feeds;
}

function dynamicFeeds(q: Quantization): GridFeeds {
  const asymmetric = q.activationScheme === "asymmetric";
  return {
    // The integer graph has its 8 bits built in.
    ...(q.arithmetic !== "int8" && {
      qmax: asymmetric ? 2 ** q.activationBits - 1 : largestLevel(q.activationBits),
    }),
    ...(q.clip && {
      clip_ratio: q.clip.kind === "ratio" ? q.clip.ratio : 1,
      clip_limit: q.clip.kind === "absolute" ? q.clip.limit : NO_LIMIT,
    }),
    ...(q.excludeOutliers && { outlier_above: q.excludeOutliers.above }),
  };
}

function staticFeeds(
  q: Quantization,
  name: LinearName,
  block: Pick<QuantizedBlock, "folds" | "norms" | "twin">,
  input: InputStatistics,
): GridFeeds {
  if (block.twin === name) {
    const { positive, negative } = searchTwin(input, block.norms[name]!, q.activationBits);
    return {
      [`${name}_scale`]: positive.scale,
      [`${name}_high`]: positive.high,
      [`${name}_low`]: negative.low,
      [`${name}_negative_scale`]: negative.scale,
    };
  }
  const grid = staticGrid(q, name, block, input);
  if (q.arithmetic === "int8") {
    const zero = q.activationScheme === "asymmetric" && { [`${name}_zero`]: -grid.low };
    return { [`${name}_scale`]: grid.scale, ...zero };
  }
  return { [`${name}_scale`]: grid.scale, [`${name}_low`]: grid.low, [`${name}_high`]: grid.high };
}

function staticGrid(
  q: Quantization,
  name: LinearName,
  block: Pick<QuantizedBlock, "folds" | "norms" | "twin">,
  input: InputStatistics,
): Grid {
  const bits = q.activationBits;
  if (q.base === "ptq4vit") return searchSymmetric(input, block.norms[name]!, bits);
  if (q.base === "repq-vit") {
    const reparameterised = name === "qkv" || name === "fc1";
    return reparameterised
      ? channelFold(input, bits).grid
      : searchPercentile(input, input.channelMin.length, bits);
  }
  const divisor = block.folds[name]?.divisor;
  const range = clipRange(staticRange(q, input, divisor), q.clip);
  return q.activationScheme === "asymmetric" ? asymmetricGrid(range, bits) : symmetricGrid(range, bits);
}

/** The calibrated range; of the smoothed tensor where SmoothQuant divides its channels. */
function staticRange(q: Quantization, input: InputStatistics, divisor: Float32Array | undefined): Range {
  if (q.range?.kind === "static" && q.range.statistic === "percentile") {
    const i = PERCENTILES.indexOf(q.range.percentile);
    const { magnitude, low, high } = input.percentiles;
    if (q.activationScheme === "asymmetric") return { min: low[i]!, max: high[i]! };
    return { min: -magnitude[i]!, max: magnitude[i]! };
  }
  const per = (values: Float32Array) => (divisor ? values.map((value, c) => value / divisor[c]!) : values);
  return { min: Math.min(...per(input.channelMin)), max: Math.max(...per(input.channelMax)) };
}
