import * as Comlink from "comlink";
import { createHasher, type DigestOptions, type Hasher } from "../checkpoint/digest.ts";
import type { HashWorkerApi } from "./hash-worker.ts";

/** Bytes that are hashed sooner than a thread starts: a tenth of a second against up to half of one on a busy machine. */
const SMALL = 16 * 1024 * 1024;

/** Where so many bytes are best hashed: in the caller's own thread, or in one of their own. */
export function hasherFor(bytes: number): NonNullable<DigestOptions["hasher"]> {
  return bytes <= SMALL ? createHasher : createWorkerHasher;
}

/** A hasher in a thread of its own: hundreds of megabytes take about a second, in which blocks can be built. */
async function createWorkerHasher(): Promise<Hasher> {
  const worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { type: "module" });
  const failed = new Promise<never>((_, reject) => {
    worker.onerror = ({ message }) => reject(new Error(`The hashing worker failed: ${message}`));
  });
  failed.catch(() => {}); // thrown to whoever waits
  const api = Comlink.wrap<HashWorkerApi>(worker);
  let last: Promise<void> = Promise.resolve();
  return {
    async update(bytes) {
      // One piece is hashed while the next is read.
      await last;
      last = Promise.race([failed, api.update(Comlink.transfer(bytes, [bytes.buffer as ArrayBuffer]))]);
      last.catch(() => {});
    },
    async digest() {
      await last;
      return Promise.race([failed, api.digest()]);
    },
    dispose: () => worker.terminate(),
  };
}
