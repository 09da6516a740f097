/** Affine map that gives every feature mean 0 and standard deviation 1 over the rows it was fitted on. */
export interface Standardiser {
  /** [D] -> [D] */
  apply(feature: Float32Array): Float64Array;
}

/**
 * Fits a standardiser (population standard deviation, as scikit-learn's StandardScaler; a constant feature
 * is only centred).
 * @param rows [N][D], N >= 1
 */
export function fitStandardiser(rows: readonly Float32Array[]): Standardiser {
  const width = rows[0]!.length;
  const mean = new Float64Array(width);
  const variance = new Float64Array(width);
  for (const row of rows) for (let d = 0; d < width; d++) mean[d]! += row[d]! / rows.length;
  for (const row of rows)
    for (let d = 0; d < width; d++) variance[d]! += (row[d]! - mean[d]!) ** 2 / rows.length;
  const scale = variance.map((value) => (value > 0 ? 1 / Math.sqrt(value) : 1));
  return { apply: (feature) => Float64Array.from(feature, (value, d) => (value - mean[d]!) * scale[d]!) };
}
