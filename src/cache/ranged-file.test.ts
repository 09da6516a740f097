import { describe, expect, it } from "vitest";
import { noRoom } from "./cache-store.ts";
import { memoryStore, type PieceStore } from "./piece-store.ts";
import { RangedFile } from "./ranged-file.ts";

const SIZE = 30_000_000;
const BYTES = Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 9)) % 251);
const WHOLE = [{ begin: 0, end: SIZE }];

/** `toEqual` would compare megabytes element by element. */
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** A file whose bytes come in chunks that fit no piece. @param stallsAt the transfer stays open there and brings nothing more */
function openFile(store: PieceStore, stallsAt = SIZE) {
  return RangedFile.open({ path: "weights", size: SIZE }, store, async (begin, end) => {
    let at = begin;
    return new ReadableStream({
      pull(controller) {
        const next = Math.min(end, at + 300_007);
        if (next > stallsAt) return new Promise<void>(() => {});
        if (next > at) controller.enqueue(BYTES.slice(at, next));
        at = next;
        if (at >= end) controller.close();
      },
    });
  });
}

const signal = new AbortController().signal;

describe("A file that is fetched and kept", () => {
  it("can be read before its pieces are written, of which only a few are written at once", async () => {
    const store = memoryStore();
    let writing = 0;
    let most = 0;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const file = await openFile({
      ...store,
      async write(piece, bytes) {
        most = Math.max(most, ++writing);
        await held;
        await store.write(piece, bytes);
        writing--;
      },
    });
    let hasFetched = false;
    const fetching = file
      .fetchAll(WHOLE, signal, () => {})
      .then(() => {
        hasFetched = true;
      });
    const first = await file.read(5, 16_000_000);
    expect(same(first, BYTES.subarray(5, 16_000_000))).toBe(true);
    expect(await store.list()).toEqual([]);
    expect(hasFetched).toBe(false);
    release();
    await fetching;
    file.release();
    expect(same(await file.read(5, 16_000_000), first)).toBe(true);
    expect(most).toBe(4);
    expect(writing).toBe(0);
    const again = await openFile(store);
    expect(again.kept(WHOLE)).toBe(SIZE);
    expect(same(await again.read(0, SIZE), BYTES)).toBe(true);
  });

  it("gives away bytes that the caller may change", async () => {
    const file = await openFile(memoryStore());
    await file.fetchAll(WHOLE, signal, () => {});
    (await file.read(0, 100)).fill(0);
    expect(same(await file.read(0, 100), BYTES.subarray(0, 100))).toBe(true);
  });

  it("keeps what was written when room runs out, and goes on from there", async () => {
    const store = memoryStore();
    let room = 3;
    const file = await openFile({
      ...store,
      async write(piece, bytes) {
        if (room-- <= 0) throw noRoom(new DOMException("full", "QuotaExceededError"));
        await store.write(piece, bytes);
      },
    });
    let arrived = 0;
    const fetching = file.fetchAll(WHOLE, signal, (count) => {
      arrived += count;
    });
    await expect(fetching).rejects.toThrow(/room for the model/);
    expect(arrived).toBeLessThan(SIZE / 2 + 4_000_000);
    const kept = (await store.list()).reduce((sum, { begin, end }) => sum + end - begin, 0);
    expect(kept).toBeGreaterThan(0);
    expect(file.kept(WHOLE)).toBe(kept);
    room = Number.POSITIVE_INFINITY;
    let fetched = 0;
    await file.fetchAll(WHOLE, signal, (count) => {
      fetched += count;
    });
    expect(fetched).toBe(SIZE - kept);
    expect(same(await file.read(0, SIZE), BYTES)).toBe(true);
  });

  it("says that room has run out while a transfer brings nothing", async () => {
    const write = () => Promise.reject(noRoom(new DOMException("full", "QuotaExceededError")));
    const file = await openFile({ ...memoryStore(), write }, 4_300_000);
    await expect(file.fetchAll(WHOLE, signal, () => {})).rejects.toThrow(/room for the model/);
  });
});
