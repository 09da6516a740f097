import { maxIndex } from "d3-array";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { RunResult } from "../trace/layer-trace.ts";

/** How a label is read off a run. */
export interface Head {
  /** For people and for reports, e.g. "own head". */
  readonly describe: string;
  /** SHA-256 of what it was made of (a probe's training features, class embeddings); absent = the encoder and `describe` say all. */
  readonly digest?: string;
  /** Index into the labelled set's classes, or -1 when the answer is none of them. */
  classify(result: RunResult): number;
}

/** Equal for heads that read the same labels off equal features; "none" without one. */
export function headKey(head: Head | null): string {
  return head ? [head.describe, head.digest].join(" ") : "none";
}

/**
 * The checkpoint's own classifier: argmax of its logits. It is valid only when its classes correspond to
 * the set's: by name where the config names them (the set may hold a part of them), or by number when both
 * have equally many and the config is silent.
 * @throws InputError when they do not correspond
 */
export function ownHead(spec: EncoderSpec, classes: readonly string[]): Head {
  if (spec.classes === 0) {
    throw refuse(`a classification head in ${spec.label}`, "a checkpoint without one");
  }
  if (spec.classNames) {
    const toSet = spec.classNames.map((name) => classes.indexOf(name));
    const unknown = classes.filter((name) => !spec.classNames!.includes(name));
    if (unknown.length > 0) {
      throw refuse(
        "classes that the config of the checkpoint names",
        `${unknown.length} others, e.g. "${unknown[0]}"`,
      );
    }
    return { describe: "own head, classes matched by name", classify: (run) => toSet[argmax(run)] ?? -1 };
  }
  if (spec.classes !== classes.length) {
    throw refuse(`the ${spec.classes} classes of the checkpoint's head`, `${classes.length} classes`);
  }
  return { describe: "own head, classes matched by their sorted order", classify: argmax };
}

function argmax(run: RunResult): number {
  return maxIndex(run.logits ?? []);
}

function refuse(expected: string, got: string): InputError {
  return new InputError(
    "Own head",
    expected,
    got,
    "Use a nearest-class-mean (ncm) or ridge probe fitted on labelled training images instead.",
  );
}
