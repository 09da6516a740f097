/**
 * Canonical weights: the one layout every family is translated into. fp32, row-major, [Out, In] as in
 * PyTorch, so no tensor is transposed on its way into a graph.
 */

/** y = x W^T + b. */
export interface Linear {
  /** [out, in] */
  readonly weight: Float32Array;
  /** [out]; null = no bias */
  readonly bias: Float32Array | null;
  readonly out: number;
  readonly in: number;
}

/** Scale and shift of a LayerNorm, each [D]. */
export interface Norm {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export interface EmbedWeights {
  /** Patch convolution, [D, 3, patch, patch]. */
  readonly patchWeight: Float32Array;
  /** [D]; null = no bias (CLIP). */
  readonly patchBias: Float32Array | null;
  /** CLS and trained registers with their position embedding added, [leading, D]. */
  readonly leading: Float32Array;
  /** Position embedding of the patches, [grid * grid, D]. */
  readonly positions: Float32Array;
  /** LayerNorm before block 0 (CLIP); null = none. */
  readonly preNorm: Norm | null;
}

export interface BlockWeights {
  readonly norm1: Norm;
  /** Query, key and value rows stacked: [3D, D]. */
  readonly qkv: Linear;
  readonly proj: Linear;
  /** LayerScale after attention, [D]; null = none. */
  readonly scale1: Float32Array | null;
  readonly norm2: Norm;
  /** [mlpWidth, D]; with SwiGLU the gate's rows and then the values', [2 mlpWidth, D] */
  readonly fc1: Linear;
  /** [D, mlpWidth] */
  readonly fc2: Linear;
  readonly scale2: Float32Array | null;
}

/** SigLIP's attention pooling: one learned query attends to all tokens, then an MLP with a residual. */
export interface MapWeights {
  /** The learned query before its projection, [D]. */
  readonly probe: Float32Array;
  /** Query, key and value rows stacked: [3D, D]. */
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly norm: Norm;
  readonly fc1: Linear;
  readonly fc2: Linear;
}

export interface HeadWeights {
  /** Final LayerNorm. */
  readonly norm: Norm;
  /** Pool first, then normalise (timm's `fc_norm` with mean pooling); otherwise the other way round. */
  readonly normAfterPool: boolean;
  /** With `EncoderSpec.pooling` "map"; otherwise null. */
  readonly map: MapWeights | null;
  /** From the pooled feature into the space that images share with texts, [E, D]; null = none. */
  readonly projection: Linear | null;
  /** Classifier of the checkpoint, [classes, in]; null = none. */
  readonly classifier: Linear | null;
  /**
   * What the classifier reads: the feature, the mean of the patches, or CLS and beside it their mean or the
   * distillation token (the row after CLS); all after the final norm.
   */
  readonly classifierInput: "feature" | "mean" | "cls+mean" | "cls+distillation";
}

/** The four linears of a block that quantizers round (paper, quantizers; patch embedding and head stay FP). */
export const LINEARS = ["qkv", "proj", "fc1", "fc2"] as const;
export type LinearName = (typeof LINEARS)[number];

/**
 * Reads canonical weights on demand, one part at a time, so that a model never lies in memory twice.
 * Every method may reject with an InputError (missing, misshapen or not-finite tensors).
 */
export interface EncoderWeights {
  embed(): Promise<EmbedWeights>;
  /** @param index 0-based block. */
  block(index: number): Promise<BlockWeights>;
  head(): Promise<HeadWeights>;
}
