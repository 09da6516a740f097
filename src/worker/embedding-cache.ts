import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import { readClassEmbeddings, writeClassEmbeddings } from "../text/embeddings-file.ts";

/** Class embeddings that outlive the page, in the browser's Cache API: a few kilobytes a class list. */

/** Bumped when the same inputs would give other embeddings. */
const CACHE = "regscope-class-embeddings-1";
const MOST_ENTRIES = 32;

/** Entries are named by addresses that no server answers. */
const address = (key: string) => new URL(`class-embeddings/${key}`, globalThis.location.href).href;

/** Embeddings under a key; null when there are none or they cannot be read: then they are made again. */
export async function readEmbeddings(key: string): Promise<ClassEmbeddings | null> {
  try {
    const found = await (await caches.open(CACHE)).match(address(key));
    return found ? await readClassEmbeddings(new Uint8Array(await found.arrayBuffer())) : null;
  } catch {
    return null;
  }
}

/** Keeps embeddings, and drops the oldest beyond the bound. A browser without a cache or room just does not keep them. */
export async function writeEmbeddings(key: string, embeddings: ClassEmbeddings): Promise<void> {
  try {
    const cache = await caches.open(CACHE);
    await cache.put(address(key), new Response(writeClassEmbeddings(embeddings)));
    const entries = await cache.keys();
    for (const oldest of entries.slice(0, Math.max(0, entries.length - MOST_ENTRIES)))
      await cache.delete(oldest);
  } catch {
    // Not kept.
  }
}
