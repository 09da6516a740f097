import type { Interval } from "./report.ts";

/** Standard normal quantile at 97.5 %: two-sided 95 % intervals. */
export const Z95 = 1.959963984540054;

/**
 * Wilson's score interval, 95 %, of a proportion (E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212).
 * It stays inside [0, 1] and keeps a sensible width at 0 % and 100 %, where the Wald interval collapses.
 * @param correct successes, an integer in [0, n]
 * @param n trials; with 0 trials nothing is known: [0, 1]
 */
export function wilsonInterval(correct: number, n: number): Interval {
  if (n === 0) return [0, 1];
  const p = correct / n;
  const z2 = Z95 * Z95;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  // At 0 and n the formula's bound is exactly 0 and 1; rounding must not leave the range.
  return [correct === 0 ? 0 : centre - half, correct === n ? 1 : centre + half];
}
