import { CancelledError, InputError } from "../errors/input-error.ts";

/**
 * The answer for a file of the page's own site, whatever its status.
 * @throws InputError when nothing answers; CancelledError on abort
 */
export async function fetchSiteFile(url: URL, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw new CancelledError(url.href);
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(url.href, "a reachable file", got, "Check the connection and try again.");
  }
}
