/** Sets all pixels whose centre lies in a disc; a new mask, [size, size]. @param disc pixels */
export function paintDisc(
  mask: Uint8Array,
  size: number,
  disc: { readonly x: number; readonly y: number; readonly radius: number },
  value: 0 | 1,
): Uint8Array {
  return mask.map((old, i) => {
    const x = (i % size) + 0.5 - disc.x;
    const y = Math.floor(i / size) + 0.5 - disc.y;
    return x * x + y * y <= disc.radius * disc.radius ? value : old;
  });
}

/**
 * Turns a patch over: all foreground, unless more than half of it is already, then all background. A new mask.
 * @param grid patches on a side
 * @param patch index in reading order
 */
export function togglePatch(mask: Uint8Array, size: number, grid: number, patch: number): Uint8Array {
  const side = size / grid;
  const isIn = (i: number) =>
    Math.floor((i % size) / side) === patch % grid &&
    Math.floor(Math.floor(i / size) / side) === Math.floor(patch / grid);
  const share = mask.reduce((sum, value, i) => sum + (isIn(i) ? value : 0), 0) / (side * side);
  const value = share > 0.5 ? 0 : 1;
  return mask.map((old, i) => (isIn(i) ? value : old));
}

/** Patches of a rectangle, all four inclusive, 0-based. */
export interface PatchRectangle {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Sets all pixels of a rectangle of patches; a new mask, [size, size]. @param grid patches on a side */
export function paintRectangle(
  mask: Uint8Array,
  size: number,
  grid: number,
  { top, bottom, left, right }: PatchRectangle,
  value: 0 | 1,
): Uint8Array {
  const side = size / grid;
  return mask.map((old, i) => {
    const column = Math.floor((i % size) / side);
    const row = Math.floor(Math.floor(i / size) / side);
    return row >= top && row <= bottom && column >= left && column <= right ? value : old;
  });
}
