import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import { biasOf, type EncoderNames, weightOf } from "./names.ts";

/** The sizes of an encoder that its tensors alone tell. */
export interface Sizes {
  /** D */
  readonly width: number;
  readonly patch: number;
  readonly blocks: number;
  /** Hidden width of the MLP, fc2's input. */
  readonly mlpWidth: number;
  /** fc1's outputs: that width, and as many again for SwiGLU's gate. */
  readonly fc1Width: number;
  readonly hasCls: boolean;
  readonly registers: number;
  /** Rows of the position embedding. */
  readonly positions: number;
  /** Hidden width of the MAP head's MLP; 0 = no such head. */
  readonly mapWidth: number;
  /** Width of the projected feature; 0 = no projection. */
  readonly projected: number;
  /** Outputs and inputs of the classifier; 0 = none. */
  readonly classes: number;
  readonly classifierIn: number;
}

/** Far above any published encoder; keeps a hostile name like blocks.999999999 from costing memory. */
const MAX_BLOCKS = 256;

/**
 * Reads the sizes off the tensors' shapes.
 * @throws InputError when a tensor that tells a size is missing or has another rank
 */
export function readSizes(weights: Safetensors, names: EncoderNames, remedy: string): Sizes {
  const { tensors } = weights;
  const shape = (name: string, rank: number, expected: string): readonly number[] => {
    const entry = tensors.get(name);
    if (entry && entry.shape.length === rank && entry.shape.every((side) => side > 0)) return entry.shape;
    const got = entry ? `shape [${entry.shape.join(", ")}]` : "none";
    throw new InputError(`${weights.name}, tensor ${name}`, `shape ${expected}`, got, remedy);
  };
  const [width, patch] = patchSizes(weights.name, names, shape, remedy);
  const { positions } = names;
  const ones = "1, ".repeat(positions.rank - 2);
  const rows = shape(positions.name, positions.rank, `[${ones}positions, D]`).at(-2)!;
  const first = (linear: string) => weightOf(`${names.blocks}0.${linear}`);
  const { gated, fc1, fc2 } = names.block;
  const mlpWidth = gated ? shape(first(fc2), 2, "[D, M]")[1]! : shape(first(fc1), 2, "[M, D]")[0]!;
  const has = (name: string | null | undefined) => name != null && tensors.has(name);
  const [classifier] = names.classifiers;
  const [classes, classifierIn] =
    classifier && has(weightOf(classifier)) ? shape(weightOf(classifier), 2, "[classes, features]") : [0, 0];
  const { map, projection, registers } = names;
  const mapWidth = map && has(map.probe) ? shape(weightOf(map.fc1), 2, "[M, D]")[0]! : 0;
  return {
    width,
    patch,
    blocks: countBlocks(weights, names.blocks, remedy),
    mlpWidth,
    fc1Width: gated ? 2 * mlpWidth : mlpWidth,
    hasCls: has(names.cls?.name),
    registers: registers && has(registers) ? shape(registers, 3, "[1, registers, D]")[1]! : 0,
    positions: rows,
    mapWidth,
    projected: projectedWidth(projection, has, shape),
    classes: classes!,
    classifierIn: classifierIn!,
  };
}

/** Width and side of a patch, from the patch embedding's shape. */
function patchSizes(
  file: string,
  { patch: name, linearPatch }: EncoderNames,
  shape: (name: string, rank: number, expected: string) => readonly number[],
  remedy: string,
): [width: number, patch: number] {
  const weight = weightOf(name);
  if (!linearPatch) {
    const [width, , patch] = shape(weight, 4, "[D, 3, patch, patch]");
    return [width!, patch!];
  }
  const expected = "[D, 3 patch²]";
  const [width, pixels] = shape(weight, 2, expected);
  const patch = Math.sqrt(pixels! / 3);
  if (Number.isInteger(patch)) return [width!, patch];
  throw new InputError(
    `${file}, tensor ${weight}`,
    `shape ${expected}`,
    `shape [${width}, ${pixels}]`,
    remedy,
  );
}

function projectedWidth(
  projection: EncoderNames["projection"],
  has: (name: string) => boolean,
  shape: (name: string, rank: number, expected: string) => readonly number[],
): number {
  if (!projection) return 0;
  if (projection.kind === "linear") {
    const name = weightOf(projection.name);
    return has(name) ? shape(name, 2, "[E, D]")[0]! : 0;
  }
  return has(projection.tensor) ? shape(projection.tensor, 2, "[D, E]")[1]! : 0;
}

function countBlocks(weights: Safetensors, prefix: string, remedy: string): number {
  let count = 0;
  for (const name of weights.tensors.keys()) {
    if (!name.startsWith(prefix)) continue;
    const index = /^(\d+)\./.exec(name.slice(prefix.length))?.[1];
    if (index !== undefined) count = Math.max(count, Number(index) + 1);
  }
  if (count <= MAX_BLOCKS) return count;
  throw new InputError(weights.name, `at most ${MAX_BLOCKS} blocks`, `a block of index ${count - 1}`, remedy);
}

/**
 * Every tensor that the image encoder of these names and sizes has -> its shape. Biases and LayerScale, which a
 * family may have or not, are expected everywhere once the first block has them.
 */
export function expectedTensors(
  weights: Safetensors,
  names: EncoderNames,
  sizes: Sizes,
): Map<string, readonly number[]> {
  const { width: D, mlpWidth: M } = sizes;
  const { block } = names;
  const layout = new Map<string, readonly number[]>();
  const has = (name: string) => weights.tensors.has(name);
  const linear = (name: string, shape: readonly number[], bias = true) => {
    layout.set(weightOf(name), shape);
    if (bias) layout.set(biasOf(name), [shape[0]!]);
  };
  const norm = (name: string) => linear(name, [D]);
  const ranked = (rank: number, shape: readonly number[]) => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ];

  if (names.cls && sizes.hasCls) layout.set(names.cls.name, ranked(names.cls.rank, [D]));
  if (names.registers && sizes.registers > 0) layout.set(names.registers, [1, sizes.registers, D]);
  layout.set(names.positions.name, ranked(names.positions.rank, [sizes.positions, D]));
  const { patch } = sizes;
  const patchShape = names.linearPatch ? [D, 3 * patch * patch] : [D, 3, patch, patch];
  linear(names.patch, patchShape, has(biasOf(names.patch)));
  if (names.preNorm && has(weightOf(names.preNorm))) norm(names.preNorm);

  const parts = typeof block.qkv === "string" ? [block.qkv] : block.qkv;
  const stacked = parts.length === 1 ? 3 * D : D;
  const qkvBias = has(biasOf(`${names.blocks}0.${parts[0]}`));
  const scales = block.scales && has(`${names.blocks}0.${block.scales[0]}`) ? block.scales : [];
  for (let b = 0; b < sizes.blocks; b++) {
    const at = `${names.blocks}${b}.`;
    norm(at + block.norm1);
    for (const part of parts) linear(at + part, [stacked, D], qkvBias);
    linear(at + block.proj, [D, D]);
    norm(at + block.norm2);
    linear(at + block.fc1, [sizes.fc1Width, D]);
    linear(at + block.fc2, [D, M]);
    for (const scale of scales) layout.set(at + scale, [D]);
  }

  norm(names.norm);
  if (names.map && sizes.mapWidth > 0) expectMap(names.map, D, sizes.mapWidth, layout, linear);
  if (names.projection && sizes.projected > 0) {
    if (names.projection.kind === "linear") linear(names.projection.name, [sizes.projected, D], false);
    else layout.set(names.projection.tensor, [D, sizes.projected]);
  }
  if (sizes.classes > 0) {
    for (const classifier of names.classifiers) {
      linear(classifier, [sizes.classes, sizes.classifierIn], has(biasOf(classifier)));
    }
  }
  return layout;
}

function expectMap(
  map: NonNullable<EncoderNames["map"]>,
  D: number,
  M: number,
  layout: Map<string, readonly number[]>,
  linear: (name: string, shape: readonly number[]) => void,
): void {
  layout.set(map.probe, [1, 1, D]);
  if (typeof map.qkv === "string") linear(map.qkv, [3 * D, D]);
  else {
    linear(map.qkv[0], [D, D]);
    linear(map.qkv[1], [2 * D, D]);
  }
  linear(map.proj, [D, D]);
  linear(map.norm, [D]);
  linear(map.fc1, [M, D]);
  linear(map.fc2, [D, M]);
}
