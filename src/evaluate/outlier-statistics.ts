import { max, mean, median, min, rollup } from "d3-array";
import { type EncoderSpec, leadingTokens } from "../encoder/spec.ts";
import { collect } from "../engine/collect.ts";
import type { Engine } from "../engine/types.ts";
import { InputError, throwIfCancelled } from "../errors/input-error.ts";
import { prepareMask } from "../image/mask.ts";
import { prepareImage } from "../image/preprocess.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { type OutlierCriterionId, outlierRows } from "../measure/outlier-criteria.ts";
import { meanPairwiseCosine } from "../regcache/cosine-report.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import type { LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";
import type { PartMaximaOptions } from "./part-maxima.ts";
import { readable } from "./run-image.ts";
import { NONE_SKIPPED, noneReadable, type Skipped, withSkipped } from "./skipped.ts";

/** A patch lies on the background when less than this part of its pixels is foreground. */
const BACKGROUND = 0.01;
/** Ordinary patch tokens of an image whose states are compared with each other. */
const NORMAL_PER_IMAGE = 2;

/** The outlier tokens after one block, over all images. */
export interface BlockOutliers {
  readonly block: number;
  /** Part of the images that have an outlier token, 0..1. */
  readonly images: number;
  /** Outlier tokens an image: fewest, mean, most. */
  readonly tokens: { readonly min: number; readonly mean: number; readonly max: number };
  /** Mean part of all tokens. */
  readonly share: number;
  /** How many of all outlier tokens are CLS or trained registers. */
  readonly special: number;
  /** Part of the outlier patches on the background; null without masks or without outliers. */
  readonly background: number | null;
  /** The channel in which most outlier tokens are largest, and the part that is; null without outliers. */
  readonly channel: { readonly index: number; readonly share: number } | null;
  /** Largest |x| of the residual stream over all images, and over its image's median |x|. */
  readonly max: number;
  readonly maxOverMedian: number;
  /** FC2-input L-inf of outlier tokens over the median token's, in the same image: least and median; null without outliers. */
  readonly fc2OverMedian: { readonly min: number; readonly median: number } | null;
  /** Mean pairwise cosine of the states after the block, across images: outlier tokens, ordinary patches. */
  readonly cosine: { readonly outliers: number | null; readonly normal: number };
}

/** What is counted, and how. */
export interface OutlierStatistics {
  readonly n: number;
  /** Images that could not be read; `n` is without them. */
  readonly skipped: Skipped;
  readonly seed: number;
  readonly dataset: string;
  readonly criterion: OutlierCriterionId;
  readonly blocks: readonly BlockOutliers[];
}

/** Settings of the count. */
export interface OutlierStatisticsOptions extends PartMaximaOptions {
  readonly criterion: OutlierCriterionId;
}

/**
 * Counts the outlier tokens of the unmodified encoder over a set of images, block by block: how many, where they lie, in
 * which channel, what FC2 sees of them, and whether they are the same vector in every image (paper, step 2).
 * Unreadable images are left out and counted.
 * @throws InputError when the set has no images, or none that can be read; CancelledError on abort
 */
export async function outlierStatistics(
  engine: Engine,
  set: LabelledSet,
  { criterion, seed, limit = set.count, signal, onProgress }: OutlierStatisticsOptions,
): Promise<OutlierStatistics> {
  const order = seededOrder(set.count, seed).slice(0, limit);
  if (order.length === 0) {
    throw new InputError(`Set ${set.name}`, "at least one image", "none", "Choose some images.");
  }
  const { spec } = engine;
  const blocks = Array.from({ length: spec.blocks }, (_, block) => new BlockCount(spec, block));
  let skipped = NONE_SKIPPED;
  for (const [done, i] of order.entries()) {
    throwIfCancelled(signal, "The count");
    const image = await readable(() => set.image(i));
    if ("unreadable" in image) {
      skipped = withSkipped(skipped, image.unreadable);
      onProgress?.(done + 1, order.length);
      continue;
    }
    const { pixels } = prepareImage(image, spec.preprocess);
    const cover = set.mask
      ? patchCover(prepareMask(await set.mask(i), image, spec.preprocess, `Mask ${i} of ${set.name}`), spec)
      : null;
    const outputs: Float32Array[] = [];
    const { traces } = await collect(
      engine.run({ id: set.id(i), pixels }, NO_INTERVENTION, {
        priority: "background",
        onStates: ({ block, output }) => {
          outputs[block] = output;
        },
        ...(signal && { signal }),
      }),
    );
    for (const trace of traces) {
      const state = { ...trace.residual, medianAbs: trace.medianAbs };
      blocks[trace.block]!.add(trace, outputs[trace.block]!, outlierRows(state, criterion), cover);
    }
    onProgress?.(done + 1, order.length);
  }
  if (skipped.count === order.length) throw noneReadable(`Set ${set.name}`, skipped);
  return {
    n: order.length - skipped.count,
    skipped,
    seed,
    dataset: set.name,
    criterion,
    blocks: blocks.map((block) => block.result()),
  };
}

/** Part of each patch's pixels that is foreground, [patches]. */
export function patchCover(
  inside: Uint8Array,
  { grid, patch }: Pick<EncoderSpec, "grid" | "patch">,
): Float32Array {
  const cover = new Float32Array(grid * grid);
  const side = grid * patch;
  inside.forEach((value, at) => {
    const row = Math.floor(at / side / patch);
    const column = Math.floor((at % side) / patch);
    cover[row * grid + column]! += value / patch ** 2;
  });
  return cover;
}

/** Collects one block's outliers over the images. */
class BlockCount {
  readonly #first: number;
  readonly #counts: number[] = [];
  readonly #channels: number[] = [];
  readonly #onBackground: boolean[] = [];
  readonly #fc2: number[] = [];
  readonly #outliers: Float32Array[] = [];
  readonly #normal: Float32Array[] = [];
  #special = 0;
  #max = 0;
  #ratio = 0;

  constructor(
    private readonly spec: EncoderSpec,
    private readonly block: number,
  ) {
    this.#first = leadingTokens(spec);
  }

  add(trace: LayerTrace, output: Float32Array, rows: readonly number[], cover: Float32Array | null): void {
    const { width, tokens } = this.spec;
    const state = (row: number) => output.slice(row * width, (row + 1) * width);
    const typical = median(trace.inputs.fc2)!;
    const largest = max(trace.residual.linf)!;
    this.#max = Math.max(this.#max, largest);
    this.#ratio = Math.max(this.#ratio, largest / trace.medianAbs);
    this.#counts.push(rows.length);
    for (const row of rows) {
      this.#channels.push(trace.residual.topChannel[row]!);
      this.#fc2.push(trace.inputs.fc2[row]! / typical);
      this.#outliers.push(state(row));
      if (row < this.#first) this.#special += 1;
      else if (cover) this.#onBackground.push(cover[row - this.#first]! < BACKGROUND);
    }
    const found = new Set(rows);
    const patches = seededOrder(tokens - this.#first, this.#counts.length);
    const ordinary = patches.map((patch) => this.#first + patch).filter((row) => !found.has(row));
    this.#normal.push(...ordinary.slice(0, NORMAL_PER_IMAGE).map(state));
  }

  result(): BlockOutliers {
    const counts = this.#counts;
    const any = this.#outliers.length > 0;
    return {
      block: this.block,
      images: counts.filter((count) => count > 0).length / counts.length,
      tokens: { min: min(counts)!, mean: mean(counts)!, max: max(counts)! },
      share: mean(counts)! / this.spec.tokens,
      special: this.#special,
      background: this.#onBackground.length > 0 ? mean(this.#onBackground, Number)! : null,
      channel: any ? mostCommon(this.#channels) : null,
      max: this.#max,
      maxOverMedian: this.#ratio,
      fc2OverMedian: any ? { min: min(this.#fc2)!, median: median(this.#fc2)! } : null,
      cosine: {
        outliers: any ? meanPairwiseCosine(this.#outliers) : null,
        normal: meanPairwiseCosine(this.#normal),
      },
    };
  }
}

function mostCommon(channels: readonly number[]): { index: number; share: number } {
  const counts = rollup(
    channels,
    (group) => group.length,
    (channel) => channel,
  );
  const [index, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
  return { index, share: count / channels.length };
}
