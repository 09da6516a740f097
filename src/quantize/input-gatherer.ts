import { quantileSorted } from "d3-array";
import { PERCENTILES } from "../intervention/quantization.ts";

/** What calibration knows of one tensor that is quantized: a linear's input, or an operand of an attention matmul, over all tokens of all calibration images. */
export interface InputStatistics {
  /** Range of every channel, [in] each. */
  readonly channelMin: Float32Array;
  readonly channelMax: Float32Array;
  /** Per entry of PERCENTILES, the mean over the images; empty in basic statistics. */
  readonly percentiles: {
    /** Of |x|. */
    readonly magnitude: readonly number[];
    /** Of x: the lower tail at 100 - p, and the upper one at p. */
    readonly low: readonly number[];
    readonly high: readonly number[];
  };
  /** Rows of every image, evenly spread over its tokens, [n, in]; empty in basic statistics. */
  readonly sample: Float32Array;
}

/** d3's types know only lists; typed arrays spare a copy. */
export const quantile = (sorted: Float32Array, share: number): number =>
  quantileSorted(sorted as unknown as number[], share)!;

/** Gathers the statistics of one linear's input, image by image. */
export class InputGatherer {
  readonly #min: Float32Array;
  readonly #max: Float32Array;
  readonly #magnitude = PERCENTILES.map(() => 0);
  readonly #low = PERCENTILES.map(() => 0);
  readonly #high = PERCENTILES.map(() => 0);
  readonly #rows: Float32Array[] = [];
  #images = 0;

  /** @param perImage sample rows of an image */
  constructor(
    private readonly width: number,
    private readonly kind: "basic" | "full",
    private readonly perImage: number,
  ) {
    this.#min = new Float32Array(width).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float32Array(width).fill(Number.NEGATIVE_INFINITY);
  }

  /** @param x one image's input of the linear, [T, in] */
  add(x: Float32Array): void {
    this.#images++;
    for (let i = 0, channel = 0; i < x.length; i++) {
      this.#min[channel] = Math.min(this.#min[channel]!, x[i]!);
      this.#max[channel] = Math.max(this.#max[channel]!, x[i]!);
      channel = channel + 1 === this.width ? 0 : channel + 1;
    }
    if (this.kind === "basic") return;
    const values = x.slice().sort();
    const magnitudes = x.map(Math.abs).sort();
    PERCENTILES.forEach((percentile, i) => {
      const share = percentile / 100;
      this.#magnitude[i]! += quantile(magnitudes, share);
      this.#low[i]! += quantile(values, 1 - share);
      this.#high[i]! += quantile(values, share);
    });
    const tokens = x.length / this.width;
    const rows = Math.min(this.perImage, tokens);
    for (let row = 0; row < rows; row++) {
      // Another offset for every image, so that the same grid cells are not always taken.
      const token = (Math.floor((row * tokens) / rows) + this.#images * OFFSET) % tokens;
      this.#rows.push(x.slice(token * this.width, (token + 1) * this.width));
    }
  }

  finish(): InputStatistics {
    const mean = (sums: readonly number[]) =>
      this.kind === "basic" ? [] : sums.map((sum) => sum / this.#images);
    const sample = new Float32Array(this.#rows.length * this.width);
    this.#rows.forEach((row, i) => {
      sample.set(row, i * this.width);
    });
    return {
      channelMin: this.#min,
      channelMax: this.#max,
      percentiles: { magnitude: mean(this.#magnitude), low: mean(this.#low), high: mean(this.#high) },
      sample,
    };
  }
}

/** A step coprime to usual token counts. */
const OFFSET = 37;
