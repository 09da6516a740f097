/** Something the page tells its user. Errors stay until dismissed. */
export interface Message {
  readonly id: number;
  readonly kind: "error" | "info";
  readonly text: string;
}

/** Most messages kept; older ones give way. */
const LIMIT = 5;

/** True for work that was superseded or stopped; it crosses the worker boundary by name alone. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && (error.name === "CancelledError" || error.name === "AbortError");
}

/** The whole message of an error; a bad-input message is already written for people. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return `Unexpected failure: ${String(error)}`;
  return error.name === "InputError" ? error.message : `${error.name}: ${error.message}`;
}

/** Appends a message; one that repeats an earlier one replaces it. */
export function addMessage(messages: readonly Message[], message: Message): readonly Message[] {
  return [...messages.filter((other) => other.text !== message.text), message].slice(-LIMIT);
}
