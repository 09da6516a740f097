import type { EncoderSpec } from "../encoder/spec.ts";
import type { BlockStates } from "../engine/types.ts";
import type { StateOfImage, TokenOfImage } from "./candidates.ts";
import { clusterByCosine } from "./cluster.ts";
import type { Register } from "./registers.ts";
import { RunningMeans, TokenMeans } from "./running-means.ts";

/** Keys and values of one token by block. */
interface TokenKeys {
  readonly key: Float32Array[];
  readonly value: Float32Array[];
}

/** Tokens of several images whose keys, values and states are averaged in pass 2 of a curation. */
export class TokenGroup {
  readonly #means: TokenMeans;
  /** Of every token; empty unless they are to be grouped. */
  readonly #each: readonly TokenKeys[];
  /** Their states after the curation's block. */
  readonly outputs: StateOfImage[] = [];

  /**
   * @param block the curation's
   * @param keeps every token's own keys and values too, 2 L D floats each, so that several registers can be made
   */
  constructor(
    private readonly spec: EncoderSpec,
    private readonly tokens: readonly TokenOfImage[],
    private readonly block: number,
    keeps = false,
  ) {
    this.#means = new TokenMeans(spec);
    this.#each = keeps ? tokens.map(() => ({ key: [], value: [] })) : [];
  }

  owns(image: number): boolean {
    return this.tokens.some((token) => token.image === image);
  }

  add(image: number, { block, input, output, qkv }: BlockStates): void {
    const D = this.spec.width;
    for (const [i, { token, image: owner }] of this.tokens.entries()) {
      if (owner !== image) continue;
      this.#means.add(block, token, input, qkv);
      if (block === this.block) {
        this.outputs.push({ image, state: output.slice(token * D, (token + 1) * D) });
      }
      const own = this.#each[i];
      own?.key.push(qkv.slice((3 * token + 1) * D, (3 * token + 2) * D));
      own?.value.push(qkv.slice((3 * token + 2) * D, (3 * token + 3) * D));
    }
  }

  /** Mean state at each block's input, [L][D]. */
  meanState(): Float32Array[] {
    return this.#means.means().state;
  }

  /** Up to `count` registers, largest group first: one is the mean of all tokens. */
  registers(count: number): Register[] {
    if (count === 1) {
      const { key, value } = this.#means.means();
      return [{ key, value, candidates: this.tokens.length }];
    }
    // The first block that attends to the tokens as the outliers that they have become.
    const attending = Math.min(this.block + 1, this.spec.blocks - 1);
    const groups = clusterByCosine(
      this.#each.map(({ key }) => key[attending]!),
      count,
    );
    return groups.map((group) => ({
      key: this.#mean(group.map((i) => this.#each[i]!.key)),
      value: this.#mean(group.map((i) => this.#each[i]!.value)),
      candidates: group.length,
    }));
  }

  #mean(tokens: readonly (readonly Float32Array[])[]): Float32Array[] {
    const means = new RunningMeans(this.spec);
    for (const rows of tokens) for (const [block, row] of rows.entries()) means.add(block, row, 0);
    return means.means();
  }
}
