import { quantileSorted } from "d3-array";
import { concat } from "../encoder/linears.ts";
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
  /** Squared gradients of a loss at the linear's output, of the sample's rows, [n, out]; empty where none were asked for. */
  readonly squaredGradients: Float32Array;
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
  readonly #gradients: Float32Array[] = [];
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

  /**
   * @param x one image's input of the linear, [T, in]
   * @param gradient of a loss at its output, [T, out]
   */
  add(x: Float32Array, gradient: Float32Array | null = null): void {
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
    const row = (token: number) => x.slice(token * this.width, (token + 1) * this.width);
    for (let i = 0; i < rows; i++) {
      // Another offset for every image, so that the same grid cells are not always taken.
      const token = (Math.floor((i * tokens) / rows) + this.#images * OFFSET) % tokens;
      // In the last block a CLS token may have all of the gradient: with gradients the first token is always taken, once.
      if (gradient && token === 0) continue;
      this.#rows.push(row(token));
      if (gradient) this.#gradients.push(squares(gradient, token, tokens, (tokens - 1) / rows));
    }
    if (!gradient) return;
    this.#rows.push(row(0));
    this.#gradients.push(squares(gradient, 0, tokens, 1));
  }

  finish(): InputStatistics {
    const mean = (sums: readonly number[]) =>
      this.kind === "basic" ? [] : sums.map((sum) => sum / this.#images);
    return {
      channelMin: this.#min,
      channelMax: this.#max,
      percentiles: { magnitude: mean(this.#magnitude), low: mean(this.#low), high: mean(this.#high) },
      sample: concat(this.#rows),
      squaredGradients: concat(this.#gradients),
    };
  }
}

/** Squared gradients of one token's row, times the tokens that it stands for. */
function squares(gradient: Float32Array, token: number, tokens: number, times: number): Float32Array {
  const out = gradient.length / tokens;
  return gradient.subarray(token * out, (token + 1) * out).map((value) => times * value ** 2);
}

/** A step coprime to usual token counts. */
const OFFSET = 37;
