import { concat } from "../encoder/linears.ts";
import { InputGatherer, type InputStatistics, quantile } from "./input-gatherer.ts";

/** What the attention matmuls of one block multiplied in one run. */
export interface AttentionValues {
  /** Query, key and value projections, [T, 3D]. */
  readonly qkv: Float32Array;
  /** Softmax output, [H, T, R + T] with R prefix slots. */
  readonly softmax: Float32Array;
  /** Keys and values in the open prefix slots, the first ones, a row [D] each; null = all are closed. */
  readonly prefix: { readonly key: Float32Array; readonly value: Float32Array } | null;
}

/** What calibration knows of the operands of one block's attention matmuls. */
export interface AttentionStatistics {
  readonly heads: number;
  /** Of the projections, prefix slot included: the channels of head h are [h D / H, (h + 1) D / H). */
  readonly q: InputStatistics;
  readonly k: InputStatistics;
  readonly v: InputStatistics;
  readonly softmax: SoftmaxStatistics;
}

export interface SoftmaxStatistics {
  /** Means over the images of that image's 99.9, 99.99 and 99.999 percentiles, over sampled rows. */
  readonly percentiles: readonly number[];
  /** Sampled softmax weights, and |v|^2 of the value that each one weighs. */
  readonly sample: Float32Array;
  readonly valueNorms: Float32Array;
}

/** RepQ-ViT's code tries these for the scale of its log-sqrt2 quantizer. */
const SHARES = [0.999, 0.9999, 0.99999];

/** Gathers the statistics of one block's attention matmuls, image by image. */
export class AttentionGatherer {
  readonly #operands: readonly [InputGatherer, InputGatherer, InputGatherer];
  readonly #percentiles = SHARES.map(() => 0);
  readonly #samples: Float32Array[] = [];
  readonly #norms: Float32Array[] = [];
  #images = 0;

  /**
   * @param width D
   * @param perImage sample rows of q, k and v of an image
   * @param rowsPerImage sample rows of the softmax output of an image
   */
  constructor(
    private readonly width: number,
    private readonly heads: number,
    private readonly kind: "basic" | "full",
    perImage: number,
    private readonly rowsPerImage: number,
  ) {
    const gatherer = () => new InputGatherer(width, kind, perImage);
    this.#operands = [gatherer(), gatherer(), gatherer()];
  }

  add({ qkv, softmax, prefix }: AttentionValues): void {
    this.#images++;
    const { width, heads } = this;
    const tokens = qkv.length / (3 * width);
    const keys = slotAnd(prefix?.key, columns(qkv, 3 * width, width, width));
    const values = slotAnd(prefix?.value, columns(qkv, 3 * width, 2 * width, width));
    this.#operands[0].add(columns(qkv, 3 * width, 0, width));
    this.#operands[1].add(keys);
    this.#operands[2].add(values);
    if (this.kind === "basic") return;
    const allRows = heads * tokens;
    const rows = Math.min(this.rowsPerImage, allRows);
    const length = softmax.length / allRows;
    const open = values.length / width - tokens;
    const sample = new Float32Array(rows * length);
    const norms = new Float32Array(sample.length);
    const weighed = Array.from({ length: heads }, (_, head) => valueNorms(values, width, heads, head));
    for (let row = 0; row < rows; row++) {
      // An odd step and an offset per image, so that all heads and other tokens come up.
      const from = Math.floor((row * allRows) / rows + this.#images * 37) % allRows;
      sample.set(softmax.subarray(from * length, (from + 1) * length), row * length);
      const head = weighed[Math.floor(from / tokens)]!;
      norms.set(head.subarray(0, open), row * length);
      norms.set(head.subarray(open), (row + 1) * length - tokens);
    }
    const sorted = sample.slice().sort();
    SHARES.forEach((share, i) => {
      this.#percentiles[i]! += quantile(sorted, share);
    });
    this.#samples.push(sample);
    this.#norms.push(norms);
  }

  finish(): AttentionStatistics {
    const [q, k, v] = this.#operands.map((gatherer) => gatherer.finish());
    return {
      heads: this.heads,
      ...{ q: q!, k: k!, v: v! },
      softmax: {
        percentiles: this.kind === "basic" ? [] : this.#percentiles.map((sum) => sum / this.#images),
        sample: concat(this.#samples),
        valueNorms: concat(this.#norms),
      },
    };
  }
}

/** Columns [from, from + count) of rows of `stride` values. */
function columns(x: Float32Array, stride: number, from: number, count: number): Float32Array {
  const result = new Float32Array((x.length / stride) * count);
  for (let row = 0; row * stride < x.length; row++) {
    result.set(x.subarray(row * stride + from, row * stride + from + count), row * count);
  }
  return result;
}

/** The open prefix slots' rows before the tokens'. */
function slotAnd(slot: Float32Array | undefined, rows: Float32Array): Float32Array {
  return slot ? concat([slot, rows]) : rows;
}

/** |v|^2 of every row in one head. */
function valueNorms(values: Float32Array, width: number, heads: number, head: number): Float32Array {
  const size = width / heads;
  return Float32Array.from({ length: values.length / width }, (_, row) => {
    let sum = 0;
    for (let i = row * width + head * size, end = i + size; i < end; i++) sum += values[i]! ** 2;
    return sum;
  });
}
