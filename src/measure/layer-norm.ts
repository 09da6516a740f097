/**
 * LayerNorm of every row of a hidden state, on the host: what a pre-LN block's graph feeds its qkv with. Sums are fp64.
 * @param x [T, D]
 * @param norm scale and shift, [D] each
 * @returns [T, D]
 */
export function layerNorm(
  x: Float32Array,
  norm: { readonly weight: Float32Array; readonly bias: Float32Array },
  eps: number,
): Float32Array {
  const width = norm.weight.length;
  const y = new Float32Array(x.length);
  for (let begin = 0; begin < x.length; begin += width) {
    let sum = 0;
    for (let c = 0; c < width; c++) sum += x[begin + c]!;
    const mean = sum / width;
    let squares = 0;
    for (let c = 0; c < width; c++) squares += (x[begin + c]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let c = 0; c < width; c++) {
      y[begin + c] = (x[begin + c]! - mean) * scale * norm.weight[c]! + norm.bias[c]!;
    }
  }
  return y;
}
