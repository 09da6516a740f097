import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import { measureRows } from "../measure/residual.ts";
import type { Registers } from "./registers.ts";

/** A hidden state with the original index of every surviving token. */
export interface Tokens {
  /** [T, D] */
  readonly x: Float32Array;
  /** [T] */
  readonly positions: Int32Array;
}

export interface DeletionRule {
  readonly block: number;
  readonly count: number;
  readonly by: "linf" | "similarity";
}

/**
 * Deletes, for good, the `count` patch tokens that score highest at the input of `rule.block` (paper, step
 * 4): by residual L-inf (the paper's rule), or by similarity to the registers' direction (ours). CLS and
 * trained registers are never deleted; the survivors keep their order and their positions.
 * @param registers needed by `similarity`
 */
export function deleteTokens(
  spec: EncoderSpec,
  tokens: Tokens,
  rule: DeletionRule,
  registers: Registers | null,
): Tokens & { readonly deleted: Int32Array } {
  const { width } = spec;
  const first = leadingTokens(spec);
  const scores =
    rule.by === "linf"
      ? measureRows(tokens.x, width).linf
      : similarityScores(tokens.x, registers!.state[rule.block]!, registers!.mean[rule.block]!);
  const candidates = Array.from(tokens.positions.keys()).filter((row) => tokens.positions[row]! >= first);
  // Ties go to the earlier token, so that the same image always loses the same tokens.
  candidates.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const gone = new Set(candidates.slice(0, rule.count));
  const kept = Array.from(tokens.positions.keys()).filter((row) => !gone.has(row));
  const x = new Float32Array(kept.length * width);
  kept.forEach((row, i) => {
    x.set(tokens.x.subarray(row * width, (row + 1) * width), i * width);
  });
  return {
    x,
    positions: Int32Array.from(kept, (row) => tokens.positions[row]!),
    deleted: Int32Array.from(
      [...gone].sort((a, b) => a - b),
      (row) => tokens.positions[row]!,
    ),
  };
}

/**
 * cos(x - m, r - m) of every row of `x` [T, D], with r the curated tokens' mean state [D] and m the general
 * mean [D] at the same block input. Outliers-to-be already point one way before they are large.
 */
export function similarityScores(x: Float32Array, r: Float32Array, m: Float32Array): Float32Array {
  const width = m.length;
  const direction = r.map((value, c) => value - m[c]!);
  const length = Math.hypot(...direction);
  const scores = new Float32Array(x.length / width);
  for (let row = 0; row < scores.length; row++) {
    let dot = 0;
    let squares = 0;
    for (let c = 0; c < width; c++) {
      const centred = x[row * width + c]! - m[c]!;
      dot += centred * direction[c]!;
      squares += centred * centred;
    }
    const norms = Math.sqrt(squares) * length;
    scores[row] = norms === 0 ? 0 : dot / norms;
  }
  return scores;
}
