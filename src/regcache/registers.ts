import type { PreprocessSpec } from "../encoder/spec.ts";

/** Mean outlier token (the method's); one random ordinary patch token; mean of all patch tokens. */
export const REGISTER_KINDS = ["outliers", "random-sink", "mean-token"] as const;

/** Keys and values of one register, [L][D] each (heads concatenated): the means of `candidates` curated tokens' own. */
export interface Register {
  readonly key: readonly Float32Array[];
  readonly value: readonly Float32Array[];
  readonly candidates: number;
}

/** One of several image sets that registers were curated from. */
export interface RegistersSet {
  readonly name: string;
  readonly images: number;
  /** Its curated tokens. */
  readonly candidates: number;
  /** As the registers' own, among its tokens alone; null where it has fewer than two. */
  readonly cosine: { readonly outliers: number | null; readonly normal: number | null };
}

/**
 * Cached registers (paper, steps 2 and 3): per block, the average key and value of the curated tokens,
 * each taken in its own image's FP forward pass; and the states that deletion by similarity needs. Where several distinct
 * registers were curated, each is the average of a cluster of the tokens (regcache/cluster.ts), the largest cluster first.
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
  /** Tokens that were curated; those of all registers together. */
  readonly candidates: number;
  readonly images: number;
  /** What they were curated from, for people. */
  readonly data: string;
  /** Fingerprint of the data set whose probe images these are: it is not evaluated on them. Absent = other images. */
  readonly probeOf?: string | undefined;
  /** Distinct ones, at least one. */
  readonly distinct: readonly Register[];
  /** Mean state of the curated tokens at each block's input, [L][D]. */
  readonly state: readonly Float32Array[];
  /** Mean state of all patch tokens at each block's input, [L][D]. */
  readonly mean: readonly Float32Array[];
  /** Mean pairwise cosine after `block`: among curated tokens, and among random other patch tokens. */
  readonly cosine: { readonly outliers: number; readonly normal: number };
  /** Where they were curated from several sets: each of them, in their order. */
  readonly sets?: readonly RegistersSet[] | undefined;
  /** How many tokens the curation was asked for; `candidates` may be fewer. Absent where an earlier release curated, like `input`. */
  readonly top?: number | undefined;
  /** What the images were as pixels: side and normalisation. */
  readonly input?: Pick<PreprocessSpec, "size" | "mean" | "std"> | undefined;
}
