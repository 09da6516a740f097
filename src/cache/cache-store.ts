import { InputError } from "../errors/input-error.ts";
import type { Piece, PieceStore } from "./piece-store.ts";

/** Entries are named by addresses that no server answers. */
const ADDRESS = "https://saved.invalid/";

/**
 * Pieces in one cache of the browser's Cache API: entries appear whole or not at all, can be listed without being read,
 * and are on disk in every browser (of the origin-private file system, Safari 17 has only the exclusively locking half).
 */
export function cacheStore(cache: Cache): PieceStore {
  return {
    async list() {
      const requests = await cache.keys();
      return requests.flatMap(({ url }) => parseAddress(url) ?? []);
    },
    async read(piece, from, to) {
      const found = await cache.match(addressOf(piece));
      if (!found) return null;
      const blob = await found.blob();
      if (blob.size !== piece.end - piece.begin) return null;
      return new Uint8Array(await blob.slice(from - piece.begin, to - piece.begin).arrayBuffer());
    },
    async write(piece, bytes) {
      try {
        await cache.put(addressOf(piece), new Response(bytes));
      } catch (error) {
        throw noRoom(error);
      }
    },
    async delete(piece) {
      await cache.delete(addressOf(piece));
    },
  };
}

/** The InputError for a browser that will not keep more. */
export function noRoom(cause: unknown): InputError {
  return new InputError(
    "Storage of the browser",
    "room for the model",
    cause instanceof Error ? `${cause.name}: ${cause.message.replace(/\.$/, "")}` : String(cause),
    "Delete saved models or free disk space, then open the model again: what was downloaded is kept.",
  );
}

function addressOf({ file, begin, end }: Piece): string {
  return `${ADDRESS}${begin}-${end}/${encodeURIComponent(file)}`;
}

function parseAddress(url: string): Piece | null {
  const [, begin, end, file] = /^https:\/\/saved\.invalid\/(\d+)-(\d+)\/([^/]+)$/.exec(url) ?? [];
  return file === undefined
    ? null
    : { file: decodeURIComponent(file), begin: Number(begin), end: Number(end) };
}
