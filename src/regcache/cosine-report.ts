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
