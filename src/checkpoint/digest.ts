import { createSHA256 } from "hash-wasm";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { ByteSource } from "./byte-source.ts";

const CHUNK = 4 * 1024 * 1024;

/** SHA-256 of bytes that are given in order. */
export interface Hasher {
  /** @param bytes given away: in a buffer of their own, not read by the caller afterwards */
  update(bytes: Uint8Array): Promise<void>;
  /** 64 lower-case hex digits. */
  digest(): Promise<string>;
  /** Frees what it holds; to be called once, whether or not the digest was asked for. */
  dispose(): void;
}

/** A hasher in the caller's own thread. */
export async function createHasher(): Promise<Hasher> {
  const hasher = await createSHA256();
  return {
    async update(bytes) {
      hasher.update(bytes);
    },
    digest: async () => hasher.digest("hex"),
    dispose() {},
  };
}

/** What {@link sha256} may be told besides the source. */
export interface DigestOptions {
  /** Bytes hashed so far, and bytes in all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Where it is computed; by default in the caller's own thread. */
  readonly hasher?: () => Promise<Hasher>;
}

/**
 * SHA-256 of a whole source, as 64 lower-case hex digits, read in chunks of 4 MiB: Web Crypto's digest takes
 * one buffer only, which a checkpoint of hundreds of megabytes should not become. Of several sources (the shards of a
 * checkpoint) it is the digest of all their bytes, one file after another in the order of their names.
 * @throws InputError when a source cannot be read; CancelledError on abort.
 */
export async function sha256(
  sources: ByteSource | readonly ByteSource[],
  options: DigestOptions = {},
): Promise<string> {
  const all = "read" in sources ? [sources] : [...sources].sort((a, b) => (a.name < b.name ? -1 : 1));
  const total = all.reduce((sum, { size }) => sum + size, 0);
  const hasher = await (options.hasher ?? createHasher)();
  try {
    let done = 0;
    for (const source of all) {
      for (let begin = 0; begin < source.size; begin += CHUNK) {
        throwIfCancelled(options.signal, `Hashing ${source.name}`);
        const end = Math.min(source.size, begin + CHUNK);
        await hasher.update(await source.read(begin, end));
        done += end - begin;
        options.onProgress?.(done, total);
      }
    }
    return await hasher.digest();
  } finally {
    hasher.dispose();
  }
}

/** SHA-256 of texts and arrays in their order, as 64 lower-case hex digits; where one ends and the next begins counts, too. */
export async function digestOf(parts: Iterable<string | ArrayBufferView>): Promise<string> {
  const hasher = await createSHA256();
  for (const part of parts) {
    const bytes =
      typeof part === "string"
        ? new TextEncoder().encode(part)
        : new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    hasher.update(`${bytes.length}:`).update(bytes);
  }
  return hasher.digest("hex");
}
