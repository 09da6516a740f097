import type { Registers } from "./registers.ts";

/** Curated outliers point one way (paper, step 2); below this they hardly do. */
const LEAST_COSINE = 0.6;
/** So much more alike than normal tokens they should be. */
const LEAST_GAP = 0.2;

/**
 * Whether registers may be made of ordinary tokens, for people.
 * @param cosine mean pairwise cosine among the curated tokens and among normal ones, see `cosineReport`
 * @returns null where the curated tokens are clearly alike
 */
export function curationWarning({ outliers, normal }: Registers["cosine"]): string | null {
  const isAlike = outliers >= LEAST_COSINE;
  // Without binary drift: 0.6 - 0.4 is computed as 0.19999999999999996.
  if (isAlike && outliers - normal >= LEAST_GAP - 1e-6) return null;
  const how = isAlike ? "hardly more alike than others" : "hardly alike";
  const numbers = `mean cosine ${outliers.toFixed(2)}, normal tokens ${normal.toFixed(2)}`;
  return `The curated tokens are ${how} (${numbers}): few of them are outliers, and registers made of them do little. Choose on more images.`;
}
