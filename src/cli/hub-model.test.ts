import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { startTestHub, type TestHub } from "../hub/test-hub.ts";
import { modelCacheFolder } from "./folder-storage.ts";
import { openModel } from "./open-model.ts";
import { runCaptured } from "./run-captured.ts";

/** Models of the Hub on the command line, from a server that speaks its protocol, kept in a cache folder of the test's own. */

const { bytes, config } = randomCheckpoint({ width: 128, blocks: 3, classes: 2 });
const WITH_TEXT = join(import.meta.dirname, "../text/fixtures/clip");
let root: string;
let hub: TestHub;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "regscope-hub-"));
  vi.stubEnv("XDG_CACHE_HOME", join(root, "cache"));
  hub = await startTestHub({
    "owner/vit": { files: { "model.safetensors": bytes, "config.json": JSON.stringify(config) } },
  });
  const folder = join(root, "vit");
  mkdirSync(folder);
  writeFileSync(join(folder, "model.safetensors"), bytes);
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  for (const name of ["a", "b"]) {
    mkdirSync(join(root, "set", name), { recursive: true });
    for (let i = 0; i < 2; i++) {
      const pixels = Uint8Array.from({ length: 1200 }, (_, at) => (at * (name === "a" ? 7 : 31) + i) % 256);
      const raw = { width: 20, height: 20, channels: 3 } as const;
      writeFileSync(join(root, `set/${name}/${i}.png`), await sharp(pixels, { raw }).png().toBuffer());
    }
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  rmSync(root, { recursive: true });
});

const lab = (...argv: string[]) => runCaptured(argv, join(root, "assets"));

const trace = (...model: string[]) => lab("trace", ...model, "--image", join(root, "set/a/0.png"), "--json");
const fromHub = (id = "owner/vit") => ["--model", `hub:${id}`, "--mirror", hub.url];

describe("--model hub:", () => {
  test("gives what the same files in a folder give, and needs no network afterwards", async () => {
    const first = await trace(...fromHub());
    expect(first.code).toBe(0);
    expect(first.err).toContain("Downloading the encoder (bytes)");
    const fromFolder = await trace("--model", join(root, "vit"));
    expect(JSON.parse(first.out)).toEqual(JSON.parse(fromFolder.out));
    const address = fromHub();
    await hub.close();
    const offline = await trace(...address);
    expect(offline.code).toBe(0);
    expect(offline.out).toBe(first.out);
  });

  test("serves every engine of a pool from one download", async () => {
    const data = ["--data", join(root, "set"), "--probe", "ncm", "--train", join(root, "set"), "--json"];
    const evaluate = (...flags: string[]) => lab("eval", ...flags, ...data);
    const { code, out } = await evaluate(...fromHub(), "--jobs", "2");
    expect(code).toBe(0);
    expect(hub.sent).toBe(bytes.byteLength + JSON.stringify(config).length);
    const { out: expected } = await evaluate("--model", join(root, "vit"), "--jobs", "1");
    const top1 = (text: string) =>
      JSON.parse(text).configurations.map(({ correct }: { correct: number }) => correct);
    expect(top1(out)).toEqual(top1(expected));
  });

  test("goes on where a download ended", async () => {
    Object.assign(hub.faults, { cutAfter: 400_000, cuts: 1 });
    const stop = new AbortController();
    hub.faults.holdsAt = 600_000;
    const flags = { model: "hub:owner/vit", mirror: hub.url };
    const opening = openModel(flags, stop.signal);
    opening.catch(() => {});
    await vi.waitUntil(() => hub.sent === 600_000, { timeout: 20_000, interval: 5 });
    stop.abort();
    await expect(opening).rejects.toThrow(/cancelled/i);
    hub.faults.holdsAt = Number.POSITIVE_INFINITY;
    const sent = hub.sent;
    const model = await openModel(flags);
    await model.close();
    expect(hub.sent - sent).toBeLessThan(bytes.byteLength - 400_000);
  });

  test("brings its text tower and tokenizer when classes are asked for, and then any class needs no network", async () => {
    const files = Object.fromEntries(
      readdirSync(WITH_TEXT).map((file) => [file, new Uint8Array(readFileSync(join(WITH_TEXT, file)))]),
    );
    hub.repositories.set("owner/clip", { files });
    const hasAsked = () => hub.requests.some((line) => line.includes("tokenizer.json"));
    expect((await trace(...fromHub("owner/clip"))).code).toBe(0);
    expect(hasAsked()).toBe(false);
    const naming = (name: string, words: string) => {
      writeFileSync(join(root, name), words);
      return ["--classes", join(root, name)];
    };
    const classes = naming("classes.txt", "tench\nchurch");
    const { out, err } = await trace(...fromHub("owner/clip"), ...classes);
    expect(err).toContain("Downloading the text tower (bytes)");
    expect(hasAsked()).toBe(true);
    expect(JSON.parse(out)).toEqual(JSON.parse((await trace("--model", WITH_TEXT, ...classes)).out));
    const address = fromHub("owner/clip");
    await hub.close();
    const others = naming("others.txt", "golf ball\nchain saw\na very long shot");
    const offline = await trace(...address, ...others);
    expect(offline.code).toBe(0);
    expect(JSON.parse(offline.out)).toEqual(JSON.parse((await trace("--model", WITH_TEXT, ...others)).out));
  });

  test("is listed with what it takes, and deleted by its name", async () => {
    expect(await lab("models")).toMatchObject({ code: 0, out: expect.stringContaining("No models") });
    await trace(...fromHub());
    const kept = JSON.parse((await lab("models", "--json")).out);
    expect(kept).toMatchObject({ models: [{ id: "owner/vit", complete: true, hub: hub.url }] });
    expect(kept.models[0].bytes).toBeGreaterThanOrEqual(bytes.byteLength);
    expect((await lab("models")).out).toContain("owner/vit");

    const wrong = await lab("models", "--delete", "hub:owner/vit@v2");
    expect(wrong).toMatchObject({
      code: 2,
      err: expect.stringMatching(/one of owner\/vit.*nothing was deleted/s),
    });
    const deleted = await lab("models", "--delete", "hub:owner/vit");
    expect(deleted).toMatchObject({ code: 0, out: expect.stringMatching(/Deleted.*owner\/vit/s) });
    expect(readdirSync(modelCacheFolder())).toEqual([]);
  });

  test("is refused before the download where the disk has no room for it", async () => {
    const full = vi.spyOn(fsPromises, "statfs").mockResolvedValue({ bavail: 1, bsize: 4096 } as never);
    syncBuiltinESMExports();
    const { code, err } = await trace(...fromHub()).finally(() => {
      full.mockRestore();
      syncBuiltinESMExports();
    });
    expect(code).toBe(2);
    expect(err).toContain(modelCacheFolder());
    expect(err).toMatch(/room for \d+ MB, got 0 MB.*lab models --delete/s);
  });

  test("is refused with a remedy when it cannot be had", async () => {
    const missing = await trace(...fromHub("owner/none"));
    expect(missing).toMatchObject({ code: 2, err: expect.stringMatching(/does not exist or is private/) });
    const misspelt = await trace(...fromHub("a/b/c"));
    expect(misspelt).toMatchObject({ code: 2, err: expect.stringMatching(/owner\/name@revision/) });
    const folder = await trace("--model", join(root, "vit"), "--mirror", hub.url);
    expect(folder).toMatchObject({ code: 2, err: expect.stringMatching(/--mirror.*hub:OWNER\/NAME/) });
    hub.faults.corrupts = true;
    const damaged = await trace(...fromHub());
    expect(damaged).toMatchObject({ code: 2, err: expect.stringMatching(/sha256.*as the Hub states it/) });
    expect(readdirSync(modelCacheFolder())).toEqual([]);
  });
});
