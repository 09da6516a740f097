/** Mean outlier token (the method's); one random ordinary patch token; mean of all patch tokens. */
export const REGISTER_KINDS = ["outliers", "random-sink", "mean-token"] as const;

/**
 * Cached registers (paper, steps 2 and 3): per block, the average key and value of the curated tokens,
 * each taken in its own image's FP forward pass; and the states that deletion by similarity needs.
 */
export interface Registers {
  /** Stable id: a digest of the content. */
  readonly id: string;
  /** sha256 of the model file that they were made for. */
  readonly model: string;
  /** Whose keys and values these are; the others exist to be compared with the method's `outliers`. */
  readonly kind: (typeof REGISTER_KINDS)[number];
  /** First block of the range `from`..`block` that candidates were chosen in. */
  readonly from: number;
  /** Block after whose output the candidates were chosen. */
  readonly block: number;
  readonly candidates: number;
  readonly images: number;
  /** What they were curated from, for people. */
  readonly data: string;
  /** Mean key per block, [L][D] (heads concatenated). */
  readonly key: readonly Float32Array[];
  /** Mean value per block, [L][D]. */
  readonly value: readonly Float32Array[];
  /** Mean state of the curated tokens at each block's input, [L][D]. */
  readonly state: readonly Float32Array[];
  /** Mean state of all patch tokens at each block's input, [L][D]. */
  readonly mean: readonly Float32Array[];
  /** Mean pairwise cosine after `block`: among curated tokens, and among random other patch tokens. */
  readonly cosine: { readonly outliers: number; readonly normal: number };
}
