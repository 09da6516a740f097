/**
 * What is measured at one block of one run. All magnitudes are raw (no normalisation), in the units of
 * the residual stream. Rows are the tokens that were alive in that block, in order; `positions` says
 * which they are.
 */
export interface LayerTrace {
  /** 0-based block. */
  readonly block: number;
  /** Original token index of each surviving row (0 = CLS where there is one), [T]. */
  readonly positions: Int32Array;
  /** Residual stream after the block. */
  readonly residual: {
    /** max over channels of |x|, [T] */
    readonly linf: Float32Array;
    /** Euclidean norm, [T] */
    readonly l2: Float32Array;
    /** Channel at which |x| is largest, [T] */
    readonly topChannel: Int32Array;
  };
  /** max over channels of |x| of each linear's input, [T] each: what a per-tensor scale sees. */
  readonly inputs: {
    readonly qkv: Float32Array;
    readonly proj: Float32Array;
    readonly fc1: Float32Array;
    readonly fc2: Float32Array;
  };
  /** Attention that a token receives: mean over heads and queries; with the prefix and a test-time register 1 in all, [T]. */
  readonly attentionReceived: Float32Array;
  /** Of the appended token that is no token of the image, where a run has one (2506.08010). */
  readonly testTimeRegister?: {
    /** Residual L-inf after the block. */
    readonly residualLinf: number;
    /** L-inf of fc2's input. */
    readonly fc2Input: number;
    /** Attention that it receives, mean over heads and queries, its own query among them. */
    readonly attentionReceived: number;
  };
  /** Attention that a token (as query) gives to the prefix, mean over heads, [T]; zeros without a prefix. */
  readonly attentionToPrefix: Float32Array;
  /** Attention that the prefix receives, mean over heads and queries. */
  readonly prefixReceived: number;
  /** Median of |x| over all elements of the residual stream after the block. */
  readonly medianAbs: number;
  /** Kurtosis over all elements of the residual stream after the block (Bondarenko et al. 2306.12929). */
  readonly kurtosis: number;
  /** Wall time of the block, ms; 0 when the result came from the cache. */
  readonly milliseconds: number;
}

/** What a run costs, wherever its parts came from. */
export interface RunCost {
  /** Embedding, every block (cached ones as long as they took when they were computed) and head. */
  readonly milliseconds: number;
  /** Of the blocks' linear weights (quantize/weight-bytes.ts). */
  readonly weightBytes: number;
}

/** End of a run. */
export interface RunResult {
  /** The encoder's feature: pooled after the final LayerNorm, [D], or projected into the space shared with texts, [E]. */
  readonly feature: Float32Array;
  /** The pooled feature before such a projection, [D]; absent when there is none and `feature` is it. */
  readonly pooled?: Float32Array;
  /** Of the checkpoint's own classifier, [classes]; null when it has none. */
  readonly logits: Float32Array | null;
  /** Original token indices deleted in this run. */
  readonly deleted: Int32Array;
  /** First block that was computed; earlier ones were taken from the cache. */
  readonly computedFrom: number;
  /** Wall time of this run, with waiting; little where most came from the cache. */
  readonly milliseconds: number;
  readonly cost: RunCost;
}
