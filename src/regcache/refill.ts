import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import type { Tokens } from "./delete.ts";

/** Patch features in their places, for consumers of a dense map. */
export interface DenseMap {
  /** [grid, grid, D], reading order; NaN where the patch was deleted. */
  readonly features: Float32Array;
  /** [grid, grid]; 1 = deleted. */
  readonly deleted: Uint8Array;
}

/** Puts the surviving patches of a hidden state in their places; CLS and trained registers are left out. */
export function denseMap(
  spec: Pick<EncoderSpec, "hasCls" | "trainedRegisters" | "grid" | "width">,
  { x, positions }: Tokens,
): DenseMap {
  const { grid, width } = spec;
  const first = leadingTokens(spec);
  const features = new Float32Array(grid * grid * width).fill(Number.NaN);
  const deleted = new Uint8Array(grid * grid).fill(1);
  positions.forEach((token, row) => {
    if (token < first) return;
    features.set(x.subarray(row * width, (row + 1) * width), (token - first) * width);
    deleted[token - first] = 0;
  });
  return { features, deleted };
}

/**
 * Fills deleted places with the mean of their neighbours (paper, step 4: dense tasks), channel by channel: of the up to
 * eight around a place, those that are known. Places without a known neighbour wait for the next pass, in which what the
 * pass before filled is known; so it grows inwards, and the result does not depend on an order of places. Only the dense
 * map is filled: the encoder's pooled feature never sees these vectors.
 * @param map features [grid, grid, D] and what is deleted; at least one place must not be
 * @param grid places along one side
 * @returns [grid, grid, D]
 */
export function refill({ features, deleted }: DenseMap, grid: number): Float32Array {
  const width = features.length / deleted.length;
  const filled = features.slice();
  let empty = Array.from(deleted.keys()).filter((place) => deleted[place]);
  const isEmpty = Uint8Array.from(deleted);
  while (empty.length > 0) {
    const fillable = empty
      .map((place) => ({ place, known: neighbours(place, grid).filter((other) => !isEmpty[other]) }))
      .filter(({ known }) => known.length > 0);
    if (fillable.length === 0) throw new Error("A dense map without any surviving patch cannot be refilled.");
    for (const { place, known } of fillable) {
      for (let c = 0; c < width; c++) {
        let sum = 0;
        for (const other of known) sum += filled[other * width + c]!;
        filled[place * width + c] = sum / known.length;
      }
    }
    for (const { place } of fillable) isEmpty[place] = 0;
    empty = empty.filter((place) => isEmpty[place]);
  }
  return filled;
}

/** The up to eight places around one. */
function neighbours(place: number, grid: number): number[] {
  const [row, column] = [Math.floor(place / grid), place % grid];
  const near = (at: number) => [at - 1, at, at + 1].filter((value) => value >= 0 && value < grid);
  return near(row).flatMap((r) =>
    near(column)
      .map((c) => r * grid + c)
      .filter((other) => other !== place),
  );
}
