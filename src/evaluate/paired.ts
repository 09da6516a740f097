import type { Interval } from "./report.ts";
import { wilsonInterval } from "./wilson.ts";

/** The paired 2 x 2 table of two classifiers that saw the same items. */
export interface PairedCounts {
  /** Both right. */
  readonly both: number;
  /** Only the first right. */
  readonly firstOnly: number;
  /** Only the second right. */
  readonly secondOnly: number;
  /** Both wrong. */
  readonly neither: number;
}

/**
 * Difference of two proportions on the same items, first minus second, with its 95 % interval: method 10
 * of R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based
 * on paired data", Stat. Med. 17 (1998) 2635-2650. The Wilson intervals of both proportions are combined
 * by square-and-add with the (continuity-corrected) correlation of the pairs, so the interval is far
 * narrower than an unpaired one, closed-form, and never leaves [-1, 1].
 */
export function pairedDifference(counts: PairedCounts): { value: number; interval: Interval } {
  const { both, firstOnly, secondOnly, neither } = counts;
  const n = both + firstOnly + secondOnly + neither;
  if (n === 0) return { value: 0, interval: [-1, 1] };

  const p1 = (both + firstOnly) / n;
  const p2 = (both + secondOnly) / n;
  const value = (firstOnly - secondOnly) / n;
  const [low1, high1] = wilsonInterval(both + firstOnly, n);
  const [low2, high2] = wilsonInterval(both + secondOnly, n);
  const phi = correlation(counts, n);

  const below = squareAndAdd(p1 - low1, high2 - p2, phi);
  const above = squareAndAdd(p2 - low2, high1 - p1, phi);
  return { value, interval: [value - below, value + above] };
}

/** sqrt(a² - 2 phi a b + b²); rounding may take the sum an ulp below 0. */
function squareAndAdd(a: number, b: number, phi: number): number {
  return Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
}

/** Newcombe's phi: 0 when a margin is empty, shrunk by n/2 when the correlation is positive. */
function correlation({ both, firstOnly, secondOnly, neither }: PairedCounts, n: number): number {
  const margins = (both + firstOnly) * (secondOnly + neither) * (both + secondOnly) * (firstOnly + neither);
  if (margins === 0) return 0;
  const product = both * neither - firstOnly * secondOnly;
  return (product > 0 ? Math.max(product - n / 2, 0) : product) / Math.sqrt(margins);
}
