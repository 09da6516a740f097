import { InputError } from "../errors/input-error.ts";
import type { Fetch } from "./hub-fetch.ts";
import { fileUrl, type Repository, type RepositoryFile } from "./repository.ts";

/** What identified a file when its first range came, by the server that gave it; ranges must agree on it. */
export type KnownEtags = Map<string, string>;

/**
 * Bytes [begin, end) of a repository's file, as they arrive; the stream may end early or fail, which the caller sees by
 * the count. The library's own ranged blob (`WebBlob`) takes a whole file (200) for a range and does not notice a file
 * that changes between two ranges, so the range request is ours.
 * @param etags filled by the first answer, held against all later ones.
 * @throws InputError when the answer is not these bytes of this file at this commit.
 */
export async function requestRange(
  repository: Repository,
  file: RepositoryFile,
  begin: number,
  end: number,
  fetch: Fetch,
  etags: KnownEtags,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await fetch(fileUrl(repository, file.path), {
    headers: { Range: `bytes=${begin}-${end - 1}` },
    // What arrives is kept by us; the browser's own cache would keep it twice.
    cache: "no-store",
  });
  try {
    checkExtent(response, file, begin, end);
    checkIdentity(response, repository, file, etags);
    if (response.body) return response.body;
    throw new InputError(file.path, "bytes", "an empty answer", "Try again, or choose another mirror.");
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    throw error;
  }
}

/** 206 with exactly this range; 200 only where the range is the whole file. */
function checkExtent(response: Response, file: RepositoryFile, begin: number, end: number): void {
  const stated = response.headers.get("content-range");
  if (response.status === 206) {
    // A server may hide the header from pages (CORS); then the count of bytes is all there is to check.
    if (stated === null) return;
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(stated) ?? [];
    if (total !== undefined && total !== "*" && Number(total) !== file.size) {
      throw changed(file, `${file.size} bytes`, `${total} bytes`);
    }
    if (Number(first) === begin && Number(last) === end - 1) return;
    const remedy = "The server or a proxy answers range requests wrongly: choose another mirror.";
    throw new InputError(file.path, `bytes ${begin}-${end - 1}`, `"${stated}"`, remedy);
  }
  const length = response.headers.get("content-length");
  const isEncoded = response.headers.has("content-encoding");
  if (begin === 0 && end === file.size) {
    if (length === null || isEncoded || Number(length) === file.size) return;
    throw changed(file, `${file.size} bytes`, `${length} bytes`);
  }
  throw new InputError(
    file.path,
    `bytes ${begin}-${end - 1} alone (HTTP 206)`,
    `the whole file (HTTP ${response.status}): the server ignores range requests`,
    "Choose another mirror, or download the files and open them from your disk.",
  );
}

function checkIdentity(
  response: Response,
  repository: Repository,
  file: RepositoryFile,
  etags: KnownEtags,
): void {
  // Visible only where the Hub itself answers: after a redirect the page sees the headers of the storage.
  const commit = response.headers.get("x-repo-commit");
  if (commit !== null && commit !== repository.commit) {
    throw changed(file, `commit ${repository.commit.slice(0, 8)}`, `commit ${commit.slice(0, 8)}`);
  }
  const linked = plain(response.headers.get("x-linked-etag"));
  if (linked !== null && file.sha256 !== null && linked !== file.sha256) {
    throw changed(file, `sha256 ${file.sha256.slice(0, 8)}`, `${linked.slice(0, 8)}`);
  }
  const etag = plain(response.headers.get("etag"));
  if (etag === null) return;
  const origin = URL.canParse(response.url) ? new URL(response.url).origin : "";
  const key = `${origin} ${file.path}`;
  const known = etags.get(key);
  if (known !== undefined && known !== etag) throw changed(file, `ETag ${known}`, `ETag ${etag}`);
  etags.set(key, etag);
}

const plain = (etag: string | null) => etag?.replace(/^W\//, "").replaceAll('"', "") ?? null;

function changed(file: RepositoryFile, expected: string, got: string): InputError {
  return new InputError(
    file.path,
    `the same file in every answer: ${expected}`,
    got,
    "It was changed on the server while it was read: delete what is saved of this model and open it again.",
  );
}
