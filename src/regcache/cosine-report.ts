import type { StateOfImage } from "./candidates.ts";
import type { Registers, RegistersSet } from "./registers.ts";

/** A part of the images of a curation: so many, after those of the sets before it. */
export interface ImageSetPart {
  readonly name: string;
  readonly images: number;
}

/** What a curation says of the sets that its images come from, in their order. */
export function imageSets(sets: readonly { readonly name: string; readonly count: number }[]) {
  return {
    data: sets.map(({ name, count }) => `${count} images of ${name}`).join(", "),
    sets: sets.map(({ name, count }): ImageSetPart => ({ name, images: count })),
  };
}

/** How alike curated tokens are, beside ordinary ones: over all images, whatever set they are of. */
export function cosineReport(
  outliers: readonly StateOfImage[],
  normal: readonly StateOfImage[],
): Registers["cosine"] {
  const of = (states: readonly StateOfImage[]) => meanPairwiseCosine(states.map(({ state }) => state));
  return { outliers: of(outliers), normal: of(normal) };
}

/** The same for each of several sets alone. @param sets that the images come from, in their order */
export function cosinesBySet(
  sets: readonly ImageSetPart[],
  outliers: readonly StateOfImage[],
  normal: readonly StateOfImage[],
): RegistersSet[] {
  let first = 0;
  return sets.map(({ name, images }) => {
    const start = first;
    first += images;
    const own = (states: readonly StateOfImage[]) =>
      states.filter(({ image }) => image >= start && image < start + images);
    const among = (states: readonly StateOfImage[]) =>
      states.length < 2 ? null : meanPairwiseCosine(states.map(({ state }) => state));
    const candidates = own(outliers);
    const cosine = { outliers: among(candidates), normal: among(own(normal)) };
    return { name, images, candidates: candidates.length, cosine };
  });
}

/**
 * Mean cosine over all pairs of `vectors`; 1 for fewer than two. With unit vectors u_i the sum over pairs is
 * (|sum u_i|^2 - n) / 2, so no pair is visited.
 */
export function meanPairwiseCosine(vectors: readonly Float32Array[]): number {
  const n = vectors.length;
  if (n < 2) return 1;
  const sum = new Float64Array(vectors[0]!.length);
  let units = 0;
  for (const vector of vectors) {
    const length = Math.hypot(...vector);
    if (length === 0) continue;
    units += 1;
    vector.forEach((value, c) => {
      sum[c]! += value / length;
    });
  }
  const squares = sum.reduce((total, value) => total + value * value, 0);
  return (squares - units) / (n * (n - 1));
}
