import { maxIndex } from "d3-array";
import { cosine } from "../evaluate/cosine.ts";

/** Gains below this are rounding: another medoid would only repeat one that is there. */
const SMALLEST_GAIN = 1e-6;

/**
 * Groups vectors by direction, for several distinct registers: greedy k-medoids on cosine (the BUILD step of PAM, Kaufman and
 * Rousseeuw 1990). The first medoid is the vector most like all others; each further one is that which raises the sum
 * over all vectors of the cosine to their nearest medoid most; then every vector joins its nearest. No random start, and ties go
 * to the earlier vector. Where all vectors share one direction, the later groups are its few strays.
 * @param vectors of one length; a zero vector is like no other
 * @param count of groups
 * @returns groups of indices, the largest first; fewer than `count` where the vectors have fewer directions
 */
export function clusterByCosine(vectors: readonly Float32Array[], count: number): number[][] {
  const similar = vectors.map((a) => vectors.map((b) => cosine(a, b) || 0));
  const medoids: number[] = [];
  let best = vectors.map(() => -1);
  while (medoids.length < count) {
    const gains = similar.map((row) => row.reduce((sum, value, i) => sum + Math.max(0, value - best[i]!), 0));
    const next = maxIndex(gains);
    if (!(gains[next]! > SMALLEST_GAIN)) break;
    medoids.push(next);
    best = best.map((value, i) => Math.max(value, similar[next]![i]!));
  }
  const groups = medoids.map((): number[] => []);
  for (const i of vectors.keys()) groups[maxIndex(medoids, (medoid) => similar[medoid]![i]!)]!.push(i);
  return groups.filter(({ length }) => length > 0).sort((a, b) => b.length - a.length);
}
