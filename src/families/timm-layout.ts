import { DTYPE_BITS, READABLE_DTYPES } from "../checkpoint/dtypes.ts";
import { quote } from "../checkpoint/header.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";

/** The sizes of a timm VisionTransformer that its tensors alone tell. */
export interface TimmShapes {
  /** D */
  readonly width: number;
  readonly patch: number;
  readonly blocks: number;
  readonly mlpWidth: number;
  readonly hasCls: boolean;
  readonly registers: number;
  /** Rows of pos_embed. */
  readonly positions: number;
  readonly classes: number;
  readonly has: {
    readonly patchBias: boolean;
    readonly preNorm: boolean;
    readonly qkvBias: boolean;
    readonly layerScale: boolean;
    readonly fcNorm: boolean;
    readonly headBias: boolean;
  };
}

const REMEDY = "Choose the model.safetensors of a plain timm vision transformer.";
/** Far above any published encoder; keeps a hostile name like blocks.999999999 from costing memory. */
const MAX_BLOCKS = 256;

/**
 * Reads the sizes off the tensors, then holds every tensor of the file against the names and shapes that a
 * VisionTransformer of these sizes has (timm `vision_transformer.py`).
 * @throws InputError naming missing, unknown and misshapen tensors.
 */
export function readTimmShapes(weights: Safetensors): TimmShapes {
  const [width, , patch] = shapeOf(weights, "patch_embed.proj.weight", "[D, 3, patch, patch]", 4);
  const [, positions] = shapeOf(weights, "pos_embed", "[1, positions, D]", 3);
  const [mlpWidth] = shapeOf(weights, "blocks.0.mlp.fc1.weight", "[M, D]", 2);
  const { tensors } = weights;
  const shapes: TimmShapes = {
    width: width!,
    patch: patch!,
    blocks: countBlocks(weights),
    mlpWidth: mlpWidth!,
    hasCls: tensors.has("cls_token"),
    registers: tensors.has("reg_token") ? shapeOf(weights, "reg_token", "[1, registers, D]", 3)[1]! : 0,
    positions: positions!,
    classes: tensors.has("head.weight") ? shapeOf(weights, "head.weight", "[classes, D]", 2)[0]! : 0,
    has: {
      patchBias: tensors.has("patch_embed.proj.bias"),
      preNorm: tensors.has("norm_pre.weight"),
      qkvBias: tensors.has("blocks.0.attn.qkv.bias"),
      layerScale: tensors.has("blocks.0.ls1.gamma"),
      fcNorm: tensors.has("fc_norm.weight"),
      headBias: tensors.has("head.bias"),
    },
  };
  checkTensors(weights, layoutOf(shapes));
  return shapes;
}

/** Every tensor of such a model -> its shape. */
function layoutOf(s: TimmShapes): Map<string, readonly number[]> {
  const { width: D, mlpWidth: M, has } = s;
  const layout = new Map<string, readonly number[]>();
  const linear = (name: string, shape: readonly number[], bias: boolean) => {
    layout.set(`${name}.weight`, shape);
    if (bias) layout.set(`${name}.bias`, [shape[0]!]);
  };
  const norm = (name: string) => linear(name, [D], true);
  if (s.hasCls) layout.set("cls_token", [1, 1, D]);
  if (s.registers > 0) layout.set("reg_token", [1, s.registers, D]);
  layout.set("pos_embed", [1, s.positions, D]);
  linear("patch_embed.proj", [D, 3, s.patch, s.patch], has.patchBias);
  if (has.preNorm) norm("norm_pre");
  for (let b = 0; b < s.blocks; b++) {
    norm(`blocks.${b}.norm1`);
    linear(`blocks.${b}.attn.qkv`, [3 * D, D], has.qkvBias);
    linear(`blocks.${b}.attn.proj`, [D, D], true);
    norm(`blocks.${b}.norm2`);
    linear(`blocks.${b}.mlp.fc1`, [M, D], true);
    linear(`blocks.${b}.mlp.fc2`, [D, M], true);
    if (has.layerScale) {
      layout.set(`blocks.${b}.ls1.gamma`, [D]);
      layout.set(`blocks.${b}.ls2.gamma`, [D]);
    }
  }
  norm(has.fcNorm ? "fc_norm" : "norm");
  if (s.classes > 0) linear("head", [s.classes, D], has.headBias);
  return layout;
}

function checkTensors(weights: Safetensors, layout: ReadonlyMap<string, readonly number[]>): void {
  if (weights.tensors.has("dist_token") || weights.tensors.has("head_dist.weight")) {
    const expected = "one CLS token and one head";
    throw new InputError(weights.name, expected, "a distilled DeiT (dist_token, head_dist)", REMEDY);
  }
  const missing = [...layout.keys()].filter((name) => !weights.tensors.has(name));
  if (missing.length > 0) {
    throw new InputError(weights.name, `${layout.size} tensors`, `a file without ${few(missing)}`, REMEDY);
  }
  const unknown = [...weights.tensors.keys()].filter((name) => !layout.has(name));
  if (unknown.length > 0) {
    const expected = `only the ${layout.size} tensors of a plain vision transformer of this size`;
    throw new InputError(weights.name, expected, `also ${few(unknown)}`, REMEDY);
  }
  for (const [name, expected] of layout) {
    const { dtype, shape } = weights.tensors.get(name)!;
    const subject = `${weights.name}, tensor ${name}`;
    if (shape.join() !== expected.join()) {
      throw new InputError(subject, `shape [${expected.join(", ")}]`, `[${shape.join(", ")}]`, REMEDY);
    }
    if (!READABLE_DTYPES.some((readable) => readable === dtype)) {
      const remedy = "Export the model in single or half precision.";
      const got = `${dtype} (${DTYPE_BITS.get(dtype)} bits)`;
      throw new InputError(subject, READABLE_DTYPES.join(", "), got, remedy);
    }
  }
}

/** Shape of a tensor that must be there, of the given rank and with positive sides. */
function shapeOf(weights: Safetensors, name: string, expected: string, rank: number): readonly number[] {
  const entry = weights.tensors.get(name);
  if (entry && entry.shape.length === rank && entry.shape.every((side) => side > 0)) return entry.shape;
  const got = entry ? `shape [${entry.shape.join(", ")}]` : "none";
  throw new InputError(`${weights.name}, tensor ${name}`, `shape ${expected}`, got, REMEDY);
}

function countBlocks(weights: Safetensors): number {
  let count = 0;
  for (const name of weights.tensors.keys()) {
    const index = /^blocks\.(\d+)\./.exec(name)?.[1];
    if (index !== undefined) count = Math.max(count, Number(index) + 1);
  }
  if (count <= MAX_BLOCKS) return count;
  throw new InputError(weights.name, `at most ${MAX_BLOCKS} blocks`, `a block of index ${count - 1}`, REMEDY);
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, 4).map(quote).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more (${names.length} in all)` : shown;
}
