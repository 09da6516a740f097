import type { Linear } from "./weights.ts";

/** Rearrangements of weights that the layouts of encoders and text towers share. */

/** Linears of one input as one, their rows one below the other: query, key and value as [3D, D]. */
export function stackLinears(parts: readonly Linear[]): Linear {
  const [first] = parts;
  if (parts.length === 1) return first!;
  return {
    weight: concat(parts.map(({ weight }) => weight)),
    bias: first!.bias && concat(parts.map(({ bias }) => bias!)),
    out: parts.reduce((sum, { out }) => sum + out, 0),
    in: first!.in,
  };
}

/** [rows, columns] -> [columns, rows]. */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = matrix[r * columns + c]!;
  return out;
}

/** Arrays one after another. */
export function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
