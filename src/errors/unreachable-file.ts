import { InputError } from "./input-error.ts";

/** The InputError for a file of the page's own site that nothing answered for. @param cause what fetch rejected with */
export function unreachableFile(url: string, cause: unknown): InputError {
  const isOffline = globalThis.navigator?.onLine === false;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InputError(
    url,
    "a reachable file",
    isOffline ? "none: this device is offline" : reason,
    "Check the connection and try again.",
  );
}
