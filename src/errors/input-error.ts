/**
 * Bad input from outside: a file, a URL, a message, a command line. Its message always says what was
 * expected, what came, and what to do; it may be shown to the user as it stands.
 */
export class InputError extends Error {
  override readonly name = "InputError";

  constructor(
    readonly subject: string,
    readonly expected: string,
    readonly got: string,
    readonly remedy: string,
  ) {
    super(`${subject}: expected ${expected}, got ${got}. ${remedy}`);
  }
}

/** Work that was cancelled because newer work superseded it or the user stopped it. Never shown as a failure. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
  constructor(what = "The work") {
    super(`${what} was cancelled.`);
  }
}

/** Throws {@link CancelledError} when `signal` has been aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined, what?: string): void {
  if (signal?.aborted) throw new CancelledError(what);
}
