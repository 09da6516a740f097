import type { EncoderSpec } from "../encoder/spec.ts";
import type { BlockWeights, Linear, Norm } from "../encoder/weights.ts";

/**
 * A transformer block in plain loops and fp64: the independent reference that the block graph is tested against.
 * It takes the prefix as `copies` real extra keys and values (paper, step 3), not as a slot with a bias.
 */
export interface ReferencePrefix {
  /** [D] each */
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly copies: number;
}

/** A test-time register in the last row (2506.08010). */
export interface ReferenceRegister {
  readonly neurons: readonly number[];
  /** Rows before the patches. */
  readonly leading: number;
}

type Matrix = number[][];

export function referenceBlock(
  spec: Pick<EncoderSpec, "width" | "heads" | "layerNormEps" | "activation">,
  weights: BlockWeights,
  x: Matrix,
  prefixes: readonly ReferencePrefix[],
  activationBits: number | null,
  register: ReferenceRegister | null = null,
  quantizesAttention = false,
): {
  y: Matrix;
  maxima: { qkv: number[]; proj: number[]; fc1: number[]; fc2: number[] };
  received: number[];
} {
  const { width: D, heads: H } = spec;
  const d = D / H;
  const round = (rows: Matrix) => (activationBits ? fakeQuantize(rows, activationBits) : rows);
  const qkvInput = normalise(x, weights.norm1, spec.layerNormEps);
  const qkv = apply(round(qkvInput), weights.qkv);
  const roundOperand = (rows: Matrix) => (quantizesAttention ? round(rows) : rows);
  const extra = prefixes.flatMap((prefix) => Array.from({ length: prefix.copies }, () => prefix));
  const columns = (from: number) => qkv.map((row) => row.slice(from, from + D));
  const queries = roundOperand(columns(0));
  const keys = roundOperand([...extra.map(({ key }) => [...key]), ...columns(D)]);
  const values = roundOperand([...extra.map(({ value }) => [...value]), ...columns(2 * D)]);
  const at = (row: readonly number[], head: number) => row.slice(head * d, (head + 1) * d);
  const exact = Array.from({ length: H }, (_, head) =>
    queries.map((query) => softmax(keys.map((key) => dot(at(query, head), at(key, head)) / Math.sqrt(d)))),
  ).flat(); // [H T, copies + T]
  const maps = roundOperand(exact);
  const received = new Array<number>(x.length).fill(0);
  const mixed: Matrix = x.map(() => new Array<number>(D).fill(0));
  maps.forEach((weightsOf, row) => {
    const [head, token] = [Math.floor(row / x.length), row % x.length];
    weightsOf.slice(extra.length).forEach((weight, key) => {
      received[key]! += weight / (H * x.length);
    });
    for (let i = head * d; i < (head + 1) * d; i++)
      mixed[token]![i] = dot(
        weightsOf,
        values.map((value) => value[i]!),
      );
  });
  const middle = add(x, scale(apply(round(mixed), weights.proj), weights.scale1));
  const fc1Input = normalise(middle, weights.norm2, spec.layerNormEps);
  const fc2Input = apply(round(fc1Input), weights.fc1).map((row) =>
    spec.activation === "swiglu" ? swiglu(row) : row.map(gelu),
  );
  for (const neuron of register?.neurons ?? []) {
    const patches = fc2Input.slice(register!.leading, -1);
    fc2Input.at(-1)![neuron] = Math.max(...patches.map((row) => row[neuron]!));
    for (const row of patches) row[neuron] = 0;
  }
  const y = add(middle, scale(apply(round(fc2Input), weights.fc2), weights.scale2));
  const linf = (rows: Matrix) => rows.map((row) => Math.max(...row.map(Math.abs)));
  return {
    y,
    maxima: { qkv: linf(qkvInput), proj: linf(mixed), fc1: linf(fc1Input), fc2: linf(fc2Input) },
    received,
  };
}

function normalise(x: Matrix, norm: Norm, eps: number): Matrix {
  return x.map((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
    return row.map((v, c) => ((v - mean) / Math.sqrt(variance + eps)) * norm.weight[c]! + norm.bias[c]!);
  });
}

function apply(x: Matrix, layer: Linear): Matrix {
  return x.map((row) =>
    Array.from({ length: layer.out }, (_, o) => {
      let sum = layer.bias?.[o] ?? 0;
      for (let i = 0; i < layer.in; i++) sum += row[i]! * layer.weight[o * layer.in + i]!;
      return sum;
    }),
  );
}

/** Symmetric per-tensor grid over the tensor's own range, half to even. */
function fakeQuantize(x: Matrix, bits: number): Matrix {
  const scaleOf = Math.max(...x.flat().map(Math.abs)) / (2 ** (bits - 1) - 1);
  const halfEven = (v: number) => {
    const floor = Math.floor(v);
    if (v - floor !== 0.5) return Math.round(v);
    return floor % 2 === 0 ? floor : floor + 1;
  };
  return x.map((row) => row.map((v) => halfEven(v / scaleOf) * scaleOf));
}

function softmax(logits: number[]): number[] {
  const max = Math.max(...logits);
  const exps = logits.map((v) => Math.exp(v - max));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((v) => v / sum);
}

/** silu of the first half times the second. */
function swiglu(row: readonly number[]): number[] {
  const half = row.length / 2;
  return Array.from({ length: half }, (_, i) => (row[i]! / (1 + Math.exp(-row[i]!))) * row[half + i]!);
}

/** x Phi(x), with erf by its Maclaurin series: exact to fp64 for the |x| < 4 of the tests. */
function gelu(x: number): number {
  const z = x / Math.SQRT2;
  let term = z;
  let sum = z;
  for (let n = 1; n < 80; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return 0.5 * x * (1 + (2 / Math.sqrt(Math.PI)) * sum);
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
const add = (a: Matrix, b: Matrix): Matrix => a.map((row, i) => row.map((v, c) => v + b[i]![c]!));
const scale = (x: Matrix, by: Float32Array | null): Matrix =>
  by ? x.map((row) => row.map((v, c) => v * by[c]!)) : x;
