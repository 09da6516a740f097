import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { memoryStore } from "../cache/piece-store.ts";
import { RangedFile } from "../cache/ranged-file.ts";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { hubFetch } from "./hub-fetch.ts";
import { type KnownEtags, requestRange } from "./range-request.ts";
import { fileUrl, openRepository, type Repository } from "./repository.ts";
import { startTestHub, type TestHub } from "./test-hub.ts";

const WEIGHTS = Uint8Array.from({ length: 9_000_000 }, (_, i) => (i * 7 + (i >> 9)) % 251);
const CONFIG = '{"architecture":"vit"}';
const ID = "owner/model";

let hub: TestHub;
beforeEach(async () => {
  hub = await startTestHub({
    [ID]: { files: { "model.safetensors": WEIGHTS, "config.json": CONFIG }, licence: "mit" },
    "owner/gated": { files: { "model.safetensors": WEIGHTS }, gated: true },
  });
});
afterEach(() => hub.close());

/** `toEqual` would compare megabytes element by element. */
const same = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && Buffer.compare(a, b) === 0;

const waits: number[] = [];
const fetchOf = (subject = ID, signal?: AbortSignal) =>
  hubFetch({
    subject,
    signal,
    wait: async (milliseconds) => {
      waits.push(milliseconds);
    },
  });
const repositoryOf = (id = ID, revision = "main") =>
  openRepository({ hub: hub.url, id, revision }, fetchOf(id));

async function weightsOf(repository: Repository, store = memoryStore()) {
  const etags: KnownEtags = new Map();
  const file = repository.files.find(({ path }) => path === "model.safetensors")!;
  return RangedFile.open(file, store, (begin, end, signal) =>
    requestRange(repository, file, begin, end, fetchOf(ID, signal), etags),
  );
}

describe("openRepository", () => {
  it("pins a branch to its commit and reads sizes, hashes and licence", async () => {
    const repository = await repositoryOf();
    expect(repository.commit).toBe(hub.commitOf(ID));
    expect(repository).toMatchObject({ licence: "mit", gated: false });
    const weights = repository.files.find(({ path }) => path === "model.safetensors");
    expect(weights?.size).toBe(WEIGHTS.byteLength);
    expect(weights?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(repository.files.find(({ path }) => path === "config.json")?.sha256).toBeNull();
    expect(hub.requests.at(-1)).toContain(`/tree/${repository.commit}`);
  });

  it("says so when there is no such repository or revision", async () => {
    await expect(repositoryOf("owner/nothing")).rejects.toThrow(/public repository.*RepoNotFound/);
    await expect(repositoryOf(ID, "v9")).rejects.toThrow(/branch, tag or commit.*RevisionNotFound/);
  });

  it("waits as long as a busy server asks, and gives up in the end", async () => {
    waits.length = 0;
    hub.faults.busy = 2;
    hub.faults.retryAfter = "3";
    await expect(repositoryOf()).resolves.toMatchObject({ id: ID });
    expect(waits).toEqual([3000, 3000]);
    hub.faults.busy = 9;
    await expect(repositoryOf()).rejects.toThrow(/limit of requests.*HTTP 429.*Try again in 3 s/);
    hub.faults.busy = 1;
    hub.faults.retryAfter = "3600";
    await expect(repositoryOf()).rejects.toThrow(/Try again in 3600 s/);
  });

  it("says so when the device has no network", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    await hub.close();
    await expect(repositoryOf()).rejects.toThrow(/this device is offline.*Models saved before open/);
    vi.unstubAllGlobals();
    hub = await startTestHub({});
  });

  it("names host and reason when nothing answers, and CORS in a page, which is not told the reason", async () => {
    await hub.close();
    const asked = repositoryOf();
    await expect(asked).rejects.toThrow(/an answer from 127\.0\.0\.1:\d+, got fetch failed: .*ECONNREFUSED/);
    await expect(asked).rejects.not.toThrow(/CORS/);
    vi.stubGlobal("location", { href: "http://localhost/" });
    await expect(repositoryOf()).rejects.toThrow(/an answer from 127\.0\.0\.1.* this page.*CORS/);
    vi.unstubAllGlobals();
    hub = await startTestHub({});
  });

  it("refuses a server that speaks otherwise", async () => {
    const fetch = async () =>
      new Response('{"sha":"main"}', { headers: { "content-type": "application/json" } });
    const opening = openRepository({ hub: hub.url, id: ID, revision: "main" }, fetch);
    await expect(opening).rejects.toThrow(/the Hub's protocol.*sha/);
    const page = async () => new Response("<html>");
    await expect(openRepository({ hub: hub.url, id: ID, revision: "main" }, page)).rejects.toThrow(
      InputError,
    );
  });
});

describe("ranges of a repository's file", () => {
  it("come through the redirect to the storage, each byte once", async () => {
    const file = await weightsOf(await repositoryOf());
    expect(same(await file.read(100, 300), WEIGHTS.slice(100, 300))).toBe(true);
    expect(same(await file.read(200, 5_000_000), WEIGHTS.slice(200, 5_000_000))).toBe(true);
    expect(same(await file.read(150, 4_300_000), WEIGHTS.slice(150, 4_300_000))).toBe(true);
    const ranges = hub.requests.filter((line) => line.includes("/cdn/")).map((line) => line.split(" ")[2]);
    expect(ranges).toEqual(["bytes=100-299", "bytes=300-4999999"]);
    expect(hub.sent).toBe(4_999_900);
  });

  it("reads a small text file whole", async () => {
    const repository = await repositoryOf();
    const config = repository.files.find(({ path }) => path === "config.json")!;
    const file = await RangedFile.open(config, memoryStore(), (begin, end, signal) =>
      requestRange(repository, config, begin, end, fetchOf(ID, signal), new Map()),
    );
    hub.faults.ignoresRange = true;
    expect(await file.text()).toBe(CONFIG);
  });

  it("are refused when the server ignores Range", async () => {
    const file = await weightsOf(await repositoryOf());
    hub.faults.ignoresRange = true;
    await expect(file.read(8, 100)).rejects.toThrow(/HTTP 206.*ignores range requests/);
    await expect(file.read(0, 100)).rejects.toThrow(/ignores range requests/);
    expect(same(await file.read(0, WEIGHTS.byteLength), WEIGHTS)).toBe(true);
  });

  it("are refused when the file changes between two of them", async () => {
    const file = await weightsOf(await repositoryOf());
    await file.read(0, 100);
    hub.faults.changesEtag = true;
    await expect(file.read(100, 200)).rejects.toThrow(/same file in every answer: ETag/);
    expect(same(await file.read(0, 100), WEIGHTS.slice(0, 100))).toBe(true);
  });

  it("are refused when they are of another commit or another file", async () => {
    const repository = await repositoryOf();
    const config = repository.files.find(({ path }) => path === "config.json")!;
    hub.faults.changesCommit = true;
    const range = requestRange(repository, config, 0, 5, fetchOf(), new Map());
    await expect(range).rejects.toThrow(/commit ffffffff/);
    hub.faults.changesCommit = false;
    const longer = { ...config, size: config.size + 1 };
    await expect(requestRange(repository, longer, 0, 5, fetchOf(), new Map())).rejects.toThrow(/same file/);
  });

  it("are taken up again after a cut, where they broke", async () => {
    const file = await weightsOf(await repositoryOf());
    Object.assign(hub.faults, { cutAfter: 1_000_000, cuts: 2 });
    expect(same(await file.read(0, 6_000_000), WEIGHTS.slice(0, 6_000_000))).toBe(true);
    const begins = hub.requests.flatMap((line) => /\/cdn\/.*bytes=(\d+)-/.exec(line)?.[1] ?? []).map(Number);
    expect(begins).toHaveLength(3);
    expect(begins[1]).toBeGreaterThan(0);
    expect(begins[2]).toBeGreaterThan(begins[1]!);
  });

  it("end with an error when a transfer never goes on; what came is kept", async () => {
    const store = memoryStore();
    const repository = await repositoryOf();
    const file = await weightsOf(repository, store);
    Object.assign(hub.faults, { cutAfter: 1_000_000, cuts: 1 });
    await file.read(0, 500_000);
    Object.assign(hub.faults, { cutAfter: 0, cuts: 99 });
    await expect(file.read(0, 2_000_000)).rejects.toThrow(/a transfer that ended after byte 500000, 3 times/);
    hub.faults.cuts = 0;
    const again = await weightsOf(repository, store);
    const sent = hub.sent;
    expect(same(await again.read(0, 2_000_000), WEIGHTS.slice(0, 2_000_000))).toBe(true);
    expect(hub.sent - sent).toBe(1_500_000);
  });

  it("keep what came before they were cancelled", async () => {
    const store = memoryStore();
    const repository = await repositoryOf();
    const file = await weightsOf(repository, store);
    const stop = new AbortController();
    hub.faults.pace = 50_000;
    let bytes = 0;
    const range = { begin: 0, end: WEIGHTS.byteLength };
    const download = file.ensure(range, stop.signal, (count) => {
      bytes += count;
      if (bytes > 1_000_000) stop.abort();
    });
    await expect(download).rejects.toThrow(CancelledError);
    hub.faults.pace = 0;
    const again = await weightsOf(repository, store);
    expect(again.kept([range])).toBeGreaterThan(1_000_000);
    expect(same(await again.read(0, WEIGHTS.byteLength), WEIGHTS)).toBe(true);
  });

  it("wait for a transfer under way instead of asking again", async () => {
    const file = await weightsOf(await repositoryOf());
    hub.faults.pace = 200_000;
    const download = file.ensure({ begin: 0, end: WEIGHTS.byteLength });
    const parts = await Promise.all([
      file.read(0, 10),
      file.read(5_000_000, 5_000_010),
      file.read(4_000_000, 4_500_000),
    ]);
    expect(parts.map((part) => part.byteLength)).toEqual([10, 10, 500_000]);
    expect(same(parts[2], WEIGHTS.slice(4_000_000, 4_500_000))).toBe(true);
    await download;
    expect(hub.requests.filter((line) => line.includes("/cdn/"))).toHaveLength(1);
  });

  it("say that a repository is gated", async () => {
    const repository = await repositoryOf("owner/gated");
    expect(repository.gated).toBe(true);
    const file = await weightsOf(repository);
    await expect(file.read(0, 8)).rejects.toThrow(/open to everyone.*GatedRepo.*accept its terms/);
  });

  it("are addressed at the commit", () => {
    const at = { hub: "https://h.example", id: "a/b", commit: "c".repeat(40) };
    expect(fileUrl(at, "x y/z.json")).toBe(`https://h.example/a/b/resolve/${"c".repeat(40)}/x%20y/z.json`);
  });
});
