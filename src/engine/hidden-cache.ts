import { LRUCache } from "lru-cache";
import type { LayerTrace } from "../trace/layer-trace.ts";

/** What is known after one block of a run. */
export interface CachedBlock {
  /** Residual stream after the block, [T, D]; with a test-time register its row is one more, the last. */
  readonly x: Float32Array;
  /** Original index of every surviving row, [T]. */
  readonly positions: Int32Array;
  /** Original indices deleted so far. */
  readonly deleted: Int32Array;
  /** Time of the embedding and of all blocks up to here when they were computed. */
  readonly milliseconds: number;
  /** null after the embedding, which has no trace. */
  readonly trace: LayerTrace | null;
}

/**
 * Hidden states by what produced them: the image and the effects of the intervention on every block so far.
 * A change at block b therefore finds everything before b, whichever lane or configuration computed it.
 */
export type HiddenCache = LRUCache<string, CachedBlock>;

/** @param maxBytes upper bound for the states kept. */
export function createHiddenCache(maxBytes: number): HiddenCache {
  return new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ x }) => x.byteLength + 1 });
}

/** Keys of the states after the embedding (index 0) and after every block (index block + 1). */
export function chainKeys(inputId: string, blockKeys: readonly string[]): string[] {
  const keys = [inputId];
  for (const key of blockKeys) keys.push(`${keys.at(-1)}|${key}`);
  return keys;
}
