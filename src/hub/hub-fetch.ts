import { CancelledError, InputError, throwIfCancelled } from "../errors/input-error.ts";

/** The part of `fetch` that the Hub's library and ours use. */
export type Fetch = typeof fetch;

export interface HubFetchOptions {
  /** For messages, e.g. `owner/name`. */
  readonly subject: string;
  readonly signal?: AbortSignal | undefined;
  /** The network; tests and Node may give another. */
  readonly fetch?: Fetch | undefined;
  /** Waits that many milliseconds; tests need not. */
  readonly wait?: ((milliseconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** How often a busy server (429, 503) is asked again. */
const MOST_RETRIES = 3;
/** The longest Retry-After that is waited for, seconds; a longer one is told to the user. */
const LONGEST_WAIT = 30;

/**
 * `fetch` for the Hub's protocol: waits as long as a busy server asks (Retry-After), and turns refusals, missing
 * repositories, lost networks and refused CORS into InputErrors. Resolves only for 2xx answers.
 */
export function hubFetch(options: HubFetchOptions): Fetch {
  const { subject, signal, wait = sleep } = options;
  return async (input, init) => {
    for (let attempt = 0; ; attempt++) {
      throwIfCancelled(signal, subject);
      const response = await request(options, input, init);
      if (response.ok) return response;
      const busy = response.status === 429 || response.status === 503;
      const seconds = busy ? retryAfter(response, attempt) : null;
      if (seconds === null || attempt >= MOST_RETRIES || seconds > LONGEST_WAIT) {
        throw await refusal(subject, response, seconds);
      }
      await response.body?.cancel();
      await wait(seconds * 1000, signal);
    }
  };
}

async function request(
  { subject, signal, fetch: ask = fetch }: HubFetchOptions,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): Promise<Response> {
  try {
    return await ask(input, { ...init, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw new CancelledError(subject);
    throw unreachable(subject, input instanceof Request ? input.url : String(input), error);
  }
}

/**
 * A browser does not tell an unreachable server from a refused CORS request, so the message names both there; that the device has
 * no network at all it tells. Node tells the reason, as the cause of its error.
 */
export function unreachable(subject: string, url: string, cause: unknown): InputError {
  const host = URL.canParse(url) ? new URL(url).host : url;
  if (globalThis.navigator?.onLine === false) {
    const remedy = "Connect it and try again. Models saved before open without a network.";
    return new InputError(subject, `an answer from ${host}`, "none: this device is offline", remedy);
  }
  const isPage = globalThis.location !== undefined;
  return new InputError(
    subject,
    `an answer from ${host}${isPage ? " that this page may read" : ""}`,
    reasonOf(cause),
    `Check the connection and the address${isPage ? "; the server has to allow requests from other pages (CORS)" : ""}. Models saved before open without a network, and what was downloaded is kept.`,
  );
}

/** What an error says, and what its cause adds: in Node "fetch failed" stands above the reason. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  if (!(cause instanceof Error)) return message;
  // Of several addresses that were tried, Node says the code alone.
  const reason = cause.message || ("code" in cause ? String(cause.code) : cause.name);
  return `${message}: ${reason}`;
}

/** Seconds that the server asks to wait (RFC 9110: a number or a date); doubling ones where it does not say. */
function retryAfter(response: Response, attempt: number): number {
  const text = response.headers.get("retry-after") ?? "";
  if (/^\d+$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? 2 ** attempt : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

const OTHER = "Choose another model, or open its files from your disk.";

/** What the Hub's statuses and its X-Error-Code mean. */
async function refusal(subject: string, response: Response, seconds: number | null): Promise<InputError> {
  const code = response.headers.get("x-error-code") ?? "";
  const text = (await message(response)).replace(/\.+$/, "");
  const got = [`HTTP ${response.status}`, code, text].filter((part) => part !== "").join(", ");
  const error = (expected: string, remedy: string) => new InputError(subject, expected, got, remedy);
  const { status } = response;
  if (status === 429) {
    const when = seconds === null ? "a while" : `${seconds} s`;
    return error(
      "an answer within the server's limit of requests",
      `Try again in ${when}; what was downloaded is kept.`,
    );
  }
  if (code === "GatedRepo" || (code === "" && status === 403)) {
    return error(
      "a repository that is open to everyone",
      "It is gated: accept its terms on its page, download its files there and open them from your disk, or choose another model.",
    );
  }
  if (code === "RevisionNotFound") return error("a branch, tag or commit of the repository", OTHER);
  if (code === "EntryNotFound") return error("the file in the repository", OTHER);
  if (status === 401 || status === 404 || code === "RepoNotFound") {
    return error(
      "a public repository of this name",
      "It does not exist or is private: check the spelling, owner/name.",
    );
  }
  if (status === 416)
    return error("the bytes of the file that were asked for", "The file was changed: open it again.");
  if (status >= 500) {
    return error(
      "an answer from a working server",
      "Try again in a while; what was downloaded is kept, or choose a mirror.",
    );
  }
  return error("the file", OTHER);
}

/** What the server says about a refusal, in one short line. */
async function message(response: Response): Promise<string> {
  const header = response.headers.get("x-error-message");
  if (header) return header.slice(0, 200);
  const text = await response.text().catch(() => "");
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && "error" in json) return String(json.error).slice(0, 200);
  } catch {
    // An HTML page says nothing that helps.
  }
  return "";
}

/** @throws CancelledError on abort */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new CancelledError());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
