import type { Elementwise } from "./spec.ts";
import type { BlockWeights, Linear, Norm } from "./weights.ts";

/**
 * What the text tower of a vision-language checkpoint is, after its layout has been read. The graphs, the tokenizer
 * and the zero-shot head read this and no file format.
 */
export interface TextSpec {
  /** Layout that was recognised, for messages, e.g. "CLIP (Transformers)". */
  readonly layout: string;
  /** Number of transformer blocks. */
  readonly blocks: number;
  /** D, width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  readonly mlpWidth: number;
  /** Rows of the token embedding. */
  readonly vocabulary: number;
  /** Most tokens of a text, special tokens included: rows of the position embedding. */
  readonly context: number;
  readonly layerNormEps: number;
  readonly activation: Elementwise;
  /** Each token attends to itself and earlier ones only (CLIP); SigLIP's attend to all, padding included. */
  readonly causal: boolean;
  readonly pooling: TextPooling;
  /** E, width of the embedding, which the image's pooled feature must have too. */
  readonly embedding: number;
  /** How a cosine becomes a probability: over all classes together, or for each class alone (2303.15343). */
  readonly scoring: "softmax" | "sigmoid";
  /**
   * How a text is cleaned before it is tokenized: `canonicalize` = lower case without punctuation; `siglip` = so, or
   * lower case only with SigLIP 2's tokenizer; `none` = what the tokenizer itself does (CLIP's lowers the case).
   */
  readonly cleaning: "none" | "canonicalize" | "siglip";
  /** What had to be assumed because the checkpoint did not say it. */
  readonly assumptions: readonly string[];
}

/**
 * The token whose final state is the text's feature: the one with the largest id (CLIP's end of text, and what
 * Transformers does where the config says `eos_token_id` 2, as all configs before its PR 24773 do), the first one with
 * a given id, or the last position of the padded text.
 */
export type TextPooling =
  | { readonly kind: "largest-id" }
  | { readonly kind: "token"; readonly id: number }
  | { readonly kind: "last" };

/** Final LayerNorm and projection into the space that image and text share. */
export interface TextHeadWeights {
  readonly norm: Norm;
  /** [E, D]; null = the normalised state is the embedding. */
  readonly projection: Linear | null;
}

/** Reads a text tower's canonical weights on demand; every method may reject with an InputError. */
export interface TextWeights {
  /** Rows of the token embedding, [ids, D]: only they are read, not the whole table. */
  tokens(ids: readonly number[]): Promise<Float32Array>;
  /** Position embedding, [context, D]. */
  positions(): Promise<Float32Array>;
  /** @param index 0-based block. */
  block(index: number): Promise<BlockWeights>;
  head(): Promise<TextHeadWeights>;
  /** Factor and offset of the cosine before softmax or sigmoid; the offset is 0 where there is none. */
  scale(): Promise<{ readonly scale: number; readonly bias: number }>;
}

/** A text tower that its layout has read: what it is, and its weights on demand. */
export interface TextTower {
  readonly spec: TextSpec;
  readonly weights: TextWeights;
}
