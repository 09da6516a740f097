import type { EncoderSpec } from "../encoder/spec.ts";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import { describeZeroShot, softmax, zeroShotProbabilities } from "./zero-shot.ts";

/** What an encoder takes one image for. */
export interface Readout {
  /** How the classes are read off the feature, for people. */
  readonly head: string;
  /** Whether the probabilities add up to 1 over all classes; with SigLIP's sigmoid each stands alone. */
  readonly exclusive: boolean;
  /** The most probable classes, the most probable first. */
  readonly top: readonly ScoredClass[];
}

export interface ScoredClass {
  readonly label: string;
  readonly probability: number;
}

/**
 * The five most probable classes of a finished run: zero-shot where there are class embeddings, else by the
 * checkpoint's own head; null where there is neither.
 * @throws InputError when the embeddings are not of this encoder's text tower
 */
export function readOut(
  result: Pick<RunResult, "feature" | "logits">,
  spec: Pick<EncoderSpec, "classNames">,
  embeddings: ClassEmbeddings | null,
): Readout | null {
  if (embeddings) {
    const probabilities = zeroShotProbabilities(result.feature, embeddings);
    return {
      head: describeZeroShot(embeddings),
      exclusive: embeddings.scoring === "softmax",
      top: topClasses(probabilities, (c) => embeddings.classes[c]!),
    };
  }
  if (!result.logits) return null;
  const name = (c: number) => spec.classNames?.[c] ?? `class ${c}`;
  return { head: "own head", exclusive: true, top: topClasses(softmax(result.logits), name) };
}

/** The k most probable classes, the most probable first; of equal ones the first in the list. */
function topClasses(probabilities: Float64Array, label: (c: number) => string, k = 5): ScoredClass[] {
  return Array.from(probabilities, (probability, c) => ({ label: label(c), probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, k);
}
