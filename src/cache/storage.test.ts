import { describe, expect, it } from "vitest";
import { cacheStore } from "./cache-store.ts";
import { checkRoom, largestThatFits } from "./storage-room.ts";

/** As much of the Cache API as pieces need, with room for `quota` bytes. */
function fakeCache(quota: number): Cache {
  const entries = new Map<string, Blob>();
  return {
    keys: async () => [...entries.keys()].map((url) => new Request(url)),
    match: async (url: string) => (entries.has(url) ? new Response(entries.get(url)) : undefined),
    put: async (url: string, response: Response) => {
      const blob = await response.blob();
      const used = [...entries.values()].reduce((sum, { size }) => sum + size, 0);
      if (used + blob.size > quota) throw new DOMException("Quota exceeded.", "QuotaExceededError");
      entries.set(url, blob);
    },
  } as unknown as Cache;
}

const piece = (begin: number, end: number) => ({ file: "a/b c.safetensors", begin, end });

describe("pieces in the browser's cache", () => {
  it("are listed by their names and read in part", async () => {
    const store = cacheStore(fakeCache(100));
    await store.write(piece(10, 14), new Uint8Array([1, 2, 3, 4]));
    expect(await store.list()).toEqual([piece(10, 14)]);
    expect(await store.read(piece(10, 14), 11, 13)).toEqual(new Uint8Array([2, 3]));
    expect(await store.read(piece(0, 4), 0, 4)).toBeNull();
  });

  it("say so when the quota is full, and keep what is there", async () => {
    const store = cacheStore(fakeCache(5));
    await store.write(piece(0, 4), new Uint8Array(4));
    const more = store.write(piece(4, 8), new Uint8Array(4));
    await expect(more).rejects.toThrow(/room for the model.*QuotaExceededError.*Delete saved models/);
    expect(await store.list()).toEqual([piece(0, 4)]);
  });
});

describe("largestThatFits", () => {
  const within = (quota: number) => async (bytes: number) => {
    if (bytes > quota) throw new DOMException("", "QuotaExceededError");
  };

  it("is what is needed where that fits, else the room within 1 MB", async () => {
    expect(await largestThatFits(19e6, within(19e6))).toBe(19e6);
    const room = await largestThatFits(340e6, within(8e6));
    expect(room).toBeLessThanOrEqual(8e6);
    expect(room).toBeGreaterThan(7e6 - 1);
    expect(await largestThatFits(340e6, within(0))).toBe(0);
  });

  it("passes on what is no matter of room", async () => {
    const broken = () => Promise.reject(new TypeError("gone"));
    await expect(largestThatFits(5e6, broken)).rejects.toThrow("gone");
  });
});

describe("checkRoom", () => {
  const place = { name: "The disk", remedy: "Make room." };

  it("refuses a download that will not fit before it starts", () => {
    expect(() => checkRoom(5e6, 4e6, place)).toThrow(/^The disk.*room for 5 MB, got 4 MB.*Make room/s);
    expect(() => checkRoom(5e6, 5e6, place)).not.toThrow();
    expect(() => checkRoom(5e6, null, place)).not.toThrow();
  });
});
