import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { Linear, Norm } from "../encoder/weights.ts";
import { InputError } from "../errors/input-error.ts";

/** A LayerNorm over `width` channels, stored as `<name>.weight` and `<name>.bias`. */
export async function readNorm(file: Safetensors, name: string, width: number): Promise<Norm> {
  return {
    weight: await file.read(`${name}.weight`, [width]),
    bias: await file.read(`${name}.bias`, [width]),
  };
}

/** A linear stored as PyTorch's `nn.Linear`: `<name>.weight` [out, in] and, unless `hasBias` is false, `<name>.bias`. */
export async function readLinear(
  file: Safetensors,
  name: string,
  out: number,
  into: number,
  hasBias = true,
): Promise<Linear> {
  return {
    weight: await file.read(`${name}.weight`, [out, into]),
    bias: hasBias ? await file.read(`${name}.bias`, [out]) : null,
    out,
    in: into,
  };
}

/** Shape of a matrix of the file. @throws InputError when it is missing or no matrix. */
export function matrixShape(file: Safetensors, name: string): readonly [rows: number, columns: number] {
  const shape = file.tensors.get(name)?.shape;
  if (shape?.length === 2) return [shape[0]!, shape[1]!];
  throw new InputError(
    `${file.name}, tensor "${name}"`,
    "a matrix of the text tower",
    shape ? `shape [${shape.join(", ")}]` : "no such tensor",
    "Choose the checkpoint of the whole model, with its text tower.",
  );
}

/** How many blocks there are: the names that `prefix` begins, numbered from 0 without a gap. */
export function countBlocks(file: Safetensors, prefix: string, suffix: string): number {
  let count = 0;
  while (file.tensors.has(`${prefix}${count}${suffix}`)) count++;
  return count;
}

/** `exp(logit_scale)` and `logit_bias`, each a scalar or a vector of one. */
export async function readScale(file: Safetensors): Promise<{ scale: number; bias: number }> {
  const scale = await scalar(file, "logit_scale");
  const bias = file.tensors.has("logit_bias") ? await scalar(file, "logit_bias") : 0;
  return { scale: Math.exp(scale), bias };
}

async function scalar(file: Safetensors, name: string): Promise<number> {
  const values = await file.read(name);
  if (values.length === 1) return values[0]!;
  throw new InputError(
    `${file.name}, tensor "${name}"`,
    "one number",
    `${values.length}`,
    "Choose a checkpoint of CLIP, OpenCLIP or SigLIP.",
  );
}
