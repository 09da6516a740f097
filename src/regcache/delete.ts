import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import type { Norm } from "../encoder/weights.ts";
import { type Deletion, defaultCutoff, mostDeleted, needsRegisters } from "../intervention/deletion.ts";
import { layerNorm } from "../measure/layer-norm.ts";
import { outlierCriterion, outlierRows } from "../measure/outlier-criteria.ts";
import { measureRows, medianAbs } from "../measure/residual.ts";
import type { Registers } from "./registers.ts";

/** A hidden state with the original index of every surviving token. */
export interface Tokens {
  /** [T, D] */
  readonly x: Float32Array;
  /** [T] */
  readonly positions: Int32Array;
}

/** What scores are taken against, where a rule needs it. */
export interface DeletionContext {
  /** The deletion block's LayerNorm 1, for `post-ln`. */
  readonly norm1: Norm;
  /** For similarity; otherwise null. */
  readonly registers: Registers | null;
}

/**
 * Deletes, for good, patch tokens at the input of `rule.block` (paper, step 4): a fixed count of those with the
 * largest L-inf (the paper's rule) or similarity to the registers' direction (ours), or all that meet a criterion, up
 * to a bound. CLS and trained registers are never deleted and at least one patch survives, that of the lowest score;
 * the survivors keep their order and their positions.
 */
export function deleteTokens(
  spec: Pick<EncoderSpec, "width" | "hasCls" | "trainedRegisters" | "layerNormEps">,
  tokens: Tokens,
  rule: Deletion,
  context: DeletionContext,
): Tokens & { readonly deleted: Int32Array } {
  const { width } = spec;
  const first = leadingTokens(spec);
  const patches = Array.from(tokens.positions.keys()).filter((row) => tokens.positions[row]! >= first);
  const { scores, meets } = scoreTokens(spec, tokens, rule, context);
  const candidates = patches.filter(meets);
  // Ties go to the earlier token, so that the same image always loses the same tokens.
  candidates.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const most = Math.min(mostDeleted(rule) ?? patches.length, patches.length - 1);
  const gone = new Set(candidates.slice(0, most));
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

/** Scores of all rows [T], by which the highest go first, and which rows may go at all. */
function scoreTokens(
  { width, layerNormEps }: Pick<EncoderSpec, "width" | "layerNormEps">,
  { x: residual }: Tokens,
  rule: Deletion,
  { norm1, registers }: DeletionContext,
): { scores: Float32Array; meets: (row: number) => boolean } {
  if (needsRegisters(rule)) {
    const scores = similarityScores(residual, registers!.state[rule.block]!, registers!.mean[rule.block]!);
    if (rule.by !== "criterion") return { scores, meets: () => true };
    const cutoff = rule.above ?? defaultCutoff(rule.criterion)!;
    return { scores, meets: (row) => scores[row]! > cutoff };
  }
  const x = rule.tensor === "post-ln" ? layerNorm(residual, norm1, layerNormEps) : residual;
  const measures = measureRows(x, width);
  if (rule.by !== "criterion" || rule.criterion === "similarity") {
    return { scores: measures.linf, meets: () => true };
  }
  const outliers = new Set(outlierRows({ ...measures, medianAbs: medianAbs(x) }, rule.criterion, rule.above));
  return {
    scores: measures[outlierCriterion(rule.criterion).reads],
    meets: (row) => outliers.has(row),
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
