import type { EncoderSpec } from "../encoder/spec.ts";

/** One vector per block, [L][D], summed in fp64 so that the order of many images does not matter. */
export class RunningMeans {
  readonly #sums: Float64Array[];
  #rows = 0;

  constructor({ blocks, width }: Pick<EncoderSpec, "blocks" | "width">) {
    this.#sums = Array.from({ length: blocks }, () => new Float64Array(width));
  }

  /** Adds x[offset .. offset + D] to the sum of `block`. */
  add(block: number, x: Float32Array, offset: number): void {
    const sum = this.#sums[block]!;
    for (let c = 0; c < sum.length; c++) sum[c]! += x[offset + c]!;
    // Every block sees the same rows, so one count, taken at the first block, serves all.
    if (block === 0) this.#rows += 1;
  }

  /** The means [L][D] of what was added. */
  means(): Float32Array[] {
    return this.#sums.map((sum) => Float32Array.from(sum, (entry) => entry / this.#rows));
  }
}

/** Means of keys, values and block inputs of the same tokens, each [L][D]. */
export class TokenMeans {
  readonly #means: { key: RunningMeans; value: RunningMeans; state: RunningMeans };

  constructor(private readonly spec: Pick<EncoderSpec, "blocks" | "width">) {
    this.#means = {
      key: new RunningMeans(spec),
      value: new RunningMeans(spec),
      state: new RunningMeans(spec),
    };
  }

  /** Adds token `row` of a block: its input [T, D] and its query, key and value [T, 3D]. */
  add(block: number, row: number, input: Float32Array, qkv: Float32Array): void {
    const D = this.spec.width;
    this.#means.state.add(block, input, row * D);
    this.#means.key.add(block, qkv, row * 3 * D + D);
    this.#means.value.add(block, qkv, row * 3 * D + 2 * D);
  }

  means(): { key: Float32Array[]; value: Float32Array[]; state: Float32Array[] } {
    const { key, value, state } = this.#means;
    return { key: key.means(), value: value.means(), state: state.means() };
  }
}
