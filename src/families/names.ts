/**
 * Where a checkpoint keeps the parts of an encoder. A family is little more than one such table; sizes.ts checks a
 * file against it and canonical.ts reads the weights through it.
 *
 * Names of linears and norms stand without `.weight` and `.bias`.
 */

/** A tensor that some checkpoints store with leading axes of 1: [1, 1, D] or [D]. */
export interface RankedName {
  readonly name: string;
  readonly rank: number;
}

/** The parts of one block, relative to the block's own prefix. */
export interface BlockNames {
  readonly norm1: string;
  /** One stacked linear [3D, D], or query, key and value apart, each [D, D]. */
  readonly qkv: string | readonly [query: string, key: string, value: string];
  readonly proj: string;
  readonly norm2: string;
  readonly fc1: string;
  readonly fc2: string;
  /** fc1 holds SwiGLU's gate and values one below the other; absent = a plain MLP. */
  readonly gated?: true;
  /** LayerScale after attention and after the MLP, whole tensor names; null = the family has none. */
  readonly scales: readonly [attention: string, mlp: string] | null;
}

/** SigLIP's attention pooling (MAP head). */
export interface MapNames {
  /** The learned query, [1, 1, D]. */
  readonly probe: string;
  /** Stacked [3D, D] (torch's MultiheadAttention), or query [D, D] and stacked key and value [2D, D] (timm). */
  readonly qkv: string | readonly [query: string, keyValue: string];
  readonly proj: string;
  readonly norm: string;
  readonly fc1: string;
  readonly fc2: string;
}

export interface EncoderNames {
  /** Patch convolution, [D, 3, patch, patch]; with `linearPatch` a linear, [D, patch * patch * 3]. */
  readonly patch: string;
  /** Patches are embedded by a linear over a patch's pixels, row by row, the channels innermost (SigLIP 2 NaFlex). */
  readonly linearPatch?: true;
  /** Position embedding, [rows, D]. */
  readonly positions: RankedName;
  readonly cls: RankedName | null;
  /** Trained registers (or DeiT's distillation token), [1, registers, D]. */
  readonly registers: string | null;
  /** LayerNorm before block 0. */
  readonly preNorm: string | null;
  /** A block's prefix is `${blocks}${index}.`. */
  readonly blocks: string;
  readonly block: BlockNames;
  /** Final LayerNorm. */
  readonly norm: string;
  readonly map: MapNames | null;
  /** Into the space that images share with texts: a linear without bias [E, D], or its transpose as a bare tensor [D, E]. */
  readonly projection:
    | { readonly kind: "linear"; readonly name: string }
    | { readonly kind: "transposed"; readonly tensor: string }
    | null;
  /** One classifier, or two whose logits are averaged (distilled DeiT). */
  readonly classifiers: readonly string[];
}

/** Name of a linear's or norm's weight. torch's MultiheadAttention writes `in_proj_weight`, without a dot. */
export function weightOf(name: string): string {
  return name.endsWith("in_proj") ? `${name}_weight` : `${name}.weight`;
}

/** Name of its bias. */
export function biasOf(name: string): string {
  return name.endsWith("in_proj") ? `${name}_bias` : `${name}.bias`;
}
