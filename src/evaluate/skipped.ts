import { InputError } from "../errors/input-error.ts";

/** Images of a set that could not be read and are left out of everything. */
export interface Skipped {
  readonly count: number;
  /** Why: messages of the first few. */
  readonly examples: readonly string[];
}

export const NONE_SKIPPED: Skipped = { count: 0, examples: [] };

/** Images that are named; all are counted. */
const NAMED = 5;

/** Those before, and one more. @param reason the message of what was thrown for it */
export function withSkipped({ count, examples }: Skipped, reason: string): Skipped {
  return { count: count + 1, examples: [...examples, reason].slice(0, NAMED) };
}

/** Those of several sets together. */
export function uniteSkipped(sets: readonly Skipped[]): Skipped {
  return {
    count: sets.reduce((sum, { count }) => sum + count, 0),
    examples: sets.flatMap(({ examples }) => examples).slice(0, NAMED),
  };
}

/**
 * For people, with the first reason; null where all could be read.
 * @param of what they are left out of, e.g. "of every count"
 */
export function skippedText({ count, examples }: Skipped, of?: string): string | null {
  if (count === 0) return null;
  const subject = count === 1 ? "1 unreadable image is" : `${count} unreadable images are`;
  return `${subject} left out${of ? ` ${of}` : ""}: ${examples[0]}`;
}

/** The error for a set of which no image can be read. @param subject for its message */
export function noneReadable(subject: string, { count, examples }: Skipped): InputError {
  // The example is a sentence of its own, and so is what follows it: one full stop stands between them.
  const got = `${count} that cannot, e.g. ${examples[0]?.replace(/\.$/, "")}`;
  return new InputError(subject, "at least one image that can be decoded", got, "Choose other images.");
}
