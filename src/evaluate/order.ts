import { shuffler } from "d3-array";
import { randomLcg } from "d3-random";

/**
 * The order in which an evaluation visits `count` items: a Fisher-Yates shuffle (d3-array) driven by a
 * linear congruential generator (d3-random), the same on every machine. The first N of it are a sample.
 * @param seed any integer
 */
export function seededOrder(count: number, seed: number): number[] {
  const random = randomLcg(seed);
  // Neighbouring seeds start an LCG at neighbouring values; a few draws pull them apart.
  for (let i = 0; i < 8; i++) random();
  return shuffler(random)(Array.from({ length: count }, (_, i) => i));
}
