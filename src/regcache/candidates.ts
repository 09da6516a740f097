import { type EncoderSpec, leadingTokens } from "../encoder/spec.ts";
import type { BlockStates } from "../engine/types.ts";
import { measureRows } from "../measure/residual.ts";
import { TokenMeans } from "./running-means.ts";

/** A token of an image. Row = original token index: nothing is deleted while curating. */
export interface TokenOfImage {
  readonly image: number;
  readonly token: number;
}

/** A state after the curation's block, [D], and the image that it is of. */
export interface StateOfImage {
  readonly image: number;
  readonly state: Float32Array;
}

/** A token that may become a register, with its largest residual L-inf over the blocks that were looked at. */
export interface Candidate extends TokenOfImage {
  readonly linf: number;
}

/**
 * Least L-inf of a candidate, as a share of the largest one's. Of few images fewer than `top` tokens are outliers (the paper's 100 are of
 * 50,000 images), and a mean with ordinary tokens in it is no register: massive activations lie within a factor of about two of each
 * other, and an order of magnitude above the rest. Ours, not the paper's.
 */
const LEAST_SHARE = 0.25;

/** A step coprime to usual grids, so that the ordinary token of each image lies elsewhere. */
const ORDINARY_STRIDE = 37;

/** Pass 1 of a curation, fed with every block's states of every image, one image after the other. */
export class CandidateSearch {
  #best: Candidate[] = [];
  #linf: Float32Array;
  readonly #all: TokenMeans;
  readonly #ordinary: (TokenOfImage & { readonly state: Float32Array })[] = [];

  /**
   * @param blocks candidates are compared by their residual L-inf after `from`..`block`
   * @param top how many are kept at most
   */
  constructor(
    private readonly spec: EncoderSpec,
    private readonly blocks: { readonly from: number; readonly block: number },
    private readonly top: number,
  ) {
    this.#linf = new Float32Array(spec.tokens);
    this.#all = new TokenMeans(spec);
  }

  add(image: number, { block, input, output, qkv }: BlockStates): void {
    const { spec, blocks } = this;
    const first = leadingTokens(spec);
    for (let row = first; row < spec.tokens; row++) this.#all.add(block, row, input, qkv);
    if (block < blocks.from || block > blocks.block) return;
    // A large token stays large for blocks: one token counts once, with its largest magnitude in the range.
    const { linf } = measureRows(output, spec.width);
    this.#linf = block === blocks.from ? linf : this.#linf.map((value, row) => Math.max(value, linf[row]!));
    if (block < blocks.block) return;
    const found = Array.from(this.#linf, (value, token) => ({ image, token, linf: value })).slice(first);
    // Stable sort: equal magnitudes keep the order of the images, so results do not depend on the machine.
    this.#best = [...this.#best, ...found].sort((a, b) => b.linf - a.linf).slice(0, this.top);
    const token = first + ((image * ORDINARY_STRIDE) % (spec.tokens - first));
    const state = output.slice(token * spec.width, (token + 1) * spec.width);
    this.#ordinary.push({ image, token, state });
  }

  /** The candidates, largest first; none below {@link LEAST_SHARE} of the largest. */
  get candidates(): readonly Candidate[] {
    const least = LEAST_SHARE * (this.#best[0]?.linf ?? 0);
    return this.#best.filter(({ linf }) => linf >= least);
  }

  has({ image, token }: TokenOfImage): boolean {
    return this.candidates.some((other) => other.image === image && other.token === token);
  }

  /** Mean key, value and block input over all patch tokens of all images. */
  meanToken() {
    return this.#all.means();
  }

  /** States after `block` of one ordinary token an image. */
  normalStates(): StateOfImage[] {
    return this.#ordinary.filter((sample) => !this.has(sample));
  }
}
