import { CancelledError } from "../errors/input-error.ts";
import { unreachableFile } from "../errors/unreachable-file.ts";

/**
 * The answer for a file of the page's own site, whatever its status.
 * @throws InputError when nothing answers; CancelledError on abort
 */
export async function fetchSiteFile(url: URL, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw new CancelledError(url.href);
    throw unreachableFile(url.href, error);
  }
}
