import { afterEach, expect, test, vi } from "vitest";
import { browserRegisters } from "./registers-files.ts";

/** The Cache API, as far as it is used: entries in the order in which they were put. */
function fakeCaches() {
  const entries = new Map<string, Blob>();
  const urlOf = (request: string | { url: string }) => (typeof request === "string" ? request : request.url);
  const cache = {
    keys: async () => [...entries.keys()].map((url) => ({ url })),
    match: async (request: string | { url: string }) => {
      const found = entries.get(urlOf(request));
      return found && new Response(found);
    },
    put: async (url: string, response: Response) => void entries.set(url, await response.blob()),
    delete: async (request: string | { url: string }) => entries.delete(urlOf(request)),
  };
  return { open: async () => cache };
}

const MODEL = "ab".repeat(32);
const file = (text: string) => new Blob([text]);

afterEach(() => vi.unstubAllGlobals());

test("files are kept by model, the newest last; the oldest beyond the bound give way", async () => {
  vi.stubGlobal("caches", fakeCaches());
  await browserRegisters().keep(MODEL, { id: "a", file: file("A") });
  await browserRegisters().keep("other", { id: "b", file: file("B") });
  await browserRegisters().keep(MODEL, { id: "c", file: file("C") });
  await browserRegisters().keep(MODEL, { id: "a", file: file("A again") });
  const kept = await browserRegisters().list(MODEL);
  expect(kept.map(({ id }) => id)).toEqual(["c", "a"]);
  expect(await kept[1]!.file.text()).toBe("A again");

  for (let i = 0; i < 23; i++) await browserRegisters().keep(MODEL, { id: `n${i}`, file: file("N") });
  expect((await browserRegisters().list(MODEL)).map(({ id }) => id).slice(0, 2)).toEqual(["a", "n0"]);
  expect(await browserRegisters().list("other")).toEqual([]);
  await browserRegisters().forget(MODEL, "a");
  expect((await browserRegisters().list(MODEL))[0]?.id).toBe("n0");
});

test.each([
  ["is absent", undefined],
  ["refuses", { open: () => Promise.reject(new DOMException("no", "SecurityError")) }],
])("storage that %s keeps nothing and does no harm", async (_, storage) => {
  vi.stubGlobal("caches", storage);
  await browserRegisters().keep(MODEL, { id: "a", file: file("A") });
  await browserRegisters().forget(MODEL, "a");
  expect(await browserRegisters().list(MODEL)).toEqual([]);
});
