import { afterEach, expect, it, vi } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { fetchSiteFile } from "./site-file.ts";

afterEach(() => vi.unstubAllGlobals());

const url = new URL("https://site.invalid/labels.json");

it("says which file could not be reached, and what to do", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  const failure = fetchSiteFile(url);
  await expect(failure).rejects.toThrow(InputError);
  await expect(failure).rejects.toThrow(/labels\.json.*Failed to fetch.*Check the connection/s);
});

it("says so when the device has no network", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  vi.stubGlobal("navigator", { onLine: false });
  await expect(fetchSiteFile(url)).rejects.toThrow(/labels\.json.*this device is offline.*try again/s);
});

it("is cancelled, not unreachable, on abort", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new DOMException("aborted", "AbortError")));
  await expect(fetchSiteFile(url, AbortSignal.abort())).rejects.toThrow(CancelledError);
});

it("leaves the status to its caller", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  expect((await fetchSiteFile(url)).status).toBe(404);
});
