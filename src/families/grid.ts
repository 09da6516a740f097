import { InputError } from "../errors/input-error.ts";
import type { PositionResize, Resampling } from "./positions.ts";

/** Patches along a side; beyond this, attention over all pairs of tokens would take gigabytes. */
export const MAX_GRID = 64;

/**
 * Patches along a side of the square grid that a position embedding of `rows` rows covers.
 * @param tensor for messages, e.g. "model.safetensors, tensor pos_embed"
 * @param leading candidates for the number of rows that belong to CLS and registers, most likely first
 * @throws InputError when no candidate leaves a square number of patches
 */
export function squareGrid(
  tensor: string,
  rows: number,
  leading: readonly number[],
): { grid: number; embeddedLeading: number } {
  for (const embeddedLeading of leading) {
    const grid = Math.sqrt(rows - embeddedLeading);
    if (Number.isInteger(grid) && grid > 0) return { grid, embeddedLeading };
  }
  throw new InputError(
    tensor,
    `a square number of patches, with or without ${leading[0]} more rows for CLS and registers`,
    `${rows} rows`,
    "Choose a checkpoint for square images.",
  );
}

/**
 * Patches along a side at an input of `size` pixels; a rest smaller than a patch is left out, as by the convolution.
 * @throws InputError for no or too many patches
 */
export function gridAt(size: number, patch: number): number {
  const grid = Math.floor(size / patch);
  if (Number.isInteger(size) && grid >= 1 && grid <= MAX_GRID) return grid;
  throw new InputError(
    "Input size",
    `an integer from ${patch} to ${patch * (MAX_GRID + 1) - 1} pixels (1 to ${MAX_GRID} patches of ${patch})`,
    String(size),
    `For example ${patch * 16}.`,
  );
}

/** How the position embedding has to be resampled, or null. */
export function positionResize(from: number, to: number, resampling: Resampling): PositionResize | null {
  return from === to ? null : { from, to, resampling };
}
