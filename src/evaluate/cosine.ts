/**
 * Cosine of the angle between two vectors [D], accumulated in double precision; NaN when either is zero,
 * because it has no direction.
 */
export function cosine(a: Float32Array, b: Float32Array): number {
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    squareA += a[i]! * a[i]!;
    squareB += b[i]! * b[i]!;
  }
  // Rounding may leave the product an ulp above 1.
  return Math.max(-1, Math.min(1, product / Math.sqrt(squareA * squareB)));
}
