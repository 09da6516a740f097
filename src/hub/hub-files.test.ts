import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../checkpoint/shards.ts";
import { folderStorage } from "../cli/folder-storage.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { CancelledError } from "../errors/input-error.ts";
import { openEncoder } from "../families/index.ts";
import type { TextFile } from "../families/model-files.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { embedTexts } from "../text/embed-texts.ts";
import { FIXTURES as TEXT_FIXTURES } from "../text/fixtures.ts";
import { openText } from "../text/open-text.ts";
import { lookUpModel } from "../worker/look-up-model.ts";
import { openHubFiles, type WeightsCheck } from "./hub-files.ts";
import { planModel } from "./plan-model.ts";
import { startTestHub, type TestHub } from "./test-hub.ts";

const { bytes, config } = randomCheckpoint({ width: 128, blocks: 3 });
const ID = "owner/vit";
const live = new AbortController().signal;

let hub: TestHub;
beforeEach(async () => {
  hub = await startTestHub({
    [ID]: {
      files: { "model.safetensors": bytes, "config.json": JSON.stringify(config) },
      licence: "apache-2.0",
    },
    "owner/pickle": { files: { "pytorch_model.bin": "x", "config.json": "{}" } },
    "owner/gpt": {
      files: {
        "model.safetensors": randomCheckpoint({ blocks: 1 }).bytes,
        "config.json": '{"model_type":"gpt2","architectures":["GPT2LMHeadModel"]}',
      },
    },
  });
});
afterEach(() => hub.close());

/** The same checkpoint with one more tensor, of a text tower, in front of the others, as the alphabet has it. */
function withTensor(file: Uint8Array, data: Float32Array, name = "text_model.extra.weight"): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(file.subarray(8, 8 + length)).toString("utf8")) as Header;
  for (const { data_offsets: offsets } of Object.values(header)) {
    if (offsets) for (const i of [0, 1] as const) offsets[i] += data.byteLength;
  }
  header[name] = { dtype: "F32", shape: [data.length], data_offsets: [0, data.byteLength] };
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.byteLength));
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(Buffer.concat([size, json, bytes, file.subarray(8 + length)]));
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets?: [number, number] }>;

const ref = (id = ID) => ({ hub: hub.url, id, revision: "main" });

const FIXTURES = join(import.meta.dirname, "../families/fixtures");
const TEXT_FOLDER = join(import.meta.dirname, "../text/fixtures");
/** Every layout in which encoders are published, sharded ones and those with a text tower among them. */
const LAYOUTS = readdirSync(FIXTURES).filter((name) =>
  readdirSync(join(FIXTURES, name)).some((file) => file.endsWith(".safetensors") && file.startsWith("model")),
);

const SHARDED = LAYOUTS.find((name) =>
  readdirSync(join(FIXTURES, name)).some((file) => file.endsWith(".index.json")),
)!;

async function fetched(id = ID) {
  const files = await openHubFiles(ref(id), null, true, live);
  const weights = await openCheckpoint(files.weights, files.index);
  const { encoder: plan } = await planModel(files, weights, (view) => openEncoder(view, files.configs));
  const steps: number[] = [];
  const sha256 = await files.fetch(plan, ({ done, total }) => steps.push(done / total), live);
  return { files, plan, sha256, steps };
}

describe("a model of the Hub", () => {
  it("is looked up without its weights", async () => {
    const offer = await lookUpModel(ref(), live);
    expect(offer).toMatchObject({
      id: ID,
      commit: hub.commitOf(ID),
      licence: "apache-2.0",
      bytes: bytes.byteLength,
      kept: 0,
      check: "whole",
      canSave: false,
    });
    expect(offer.spec).toMatchObject({ blocks: 3, width: 128 });
    expect(hub.sent).toBeLessThan(100_000);
  });

  it("is fetched once, with progress, and checked by the Hub's sha256", async () => {
    const { files, plan, sha256, steps } = await fetched();
    expect(sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(plan.isWhole).toBe(true);
    expect(steps.at(-1)).toBe(1);
    const sent = hub.sent;
    expect(Buffer.compare(await files.weights[0]!.read(0, bytes.byteLength), bytes)).toBe(0);
    expect(hub.sent).toBe(sent);
    expect(sent).toBe(bytes.byteLength + JSON.stringify(config).length);
  });

  it.each(LAYOUTS)("may be laid out as %s", async (name) => {
    const folder = join(FIXTURES, name);
    const files = Object.fromEntries(
      readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]),
    );
    hub.repositories.set("owner/fixture", { files });
    const offer = await lookUpModel(ref("owner/fixture"), live);
    expect(offer.spec.blocks).toBeGreaterThan(0);
    const { sha256, plan, files: opened } = await fetched("owner/fixture");
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(plan.bytes).toBe(offer.bytes);
    expect(opened.kept(plan)).toBe(plan.bytes);
  });

  describe.each(TEXT_FIXTURES)("with the text tower of %s", (name) => {
    /** The fixture with bytes behind all tensors that nobody reads, so that encoder and text tower are not the whole file. */
    const fixtureFiles = ({ padded }: { padded: boolean }) => {
      const folder = join(TEXT_FOLDER, name);
      const files = Object.fromEntries(
        readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]),
      );
      const weights = files["model.safetensors"]!;
      const unread = { "open-clip": "transformer.resblocks.extra", "open-clip-siglip": "text.extra" }[
        name as string
      ];
      const all = padded ? withTensor(weights, new Float32Array(weights.byteLength), unread) : weights;
      hub.repositories.set("owner/both", { files: { ...files, "model.safetensors": all } });
      return all;
    };
    let root: string;
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), "regscope-text-"));
    });
    afterEach(() => rmSync(root, { recursive: true }));

    const open = async (storage = folderStorage(root)) => {
      const files = await openHubFiles(ref("owner/both"), storage, true, live);
      const weights = await openCheckpoint(files.weights, files.index);
      const plans = await planModel(files, weights, (view) => openEncoder(view, files.configs));
      return { files, weights, plans, text: plans.text! };
    };
    const embed = async ({ files, weights }: Awaited<ReturnType<typeof open>>, words: string[]) => {
      const json = async (file: TextFile | null) => JSON.parse((await file?.text()) ?? "null") as unknown;
      const { tower, tokenizer } = openText(weights, files.configs, {
        tokenizer: await json(files.text.tokenizer),
        config: await json(files.text.tokenizerConfig),
      });
      return embedTexts(tower, tokenizer, words, createNodeRuntime());
    };

    it("the encoder comes alone; the tower adds what was said, and then needs no network", async () => {
      const bytes = fixtureFiles({ padded: true });
      const offer = await lookUpModel(ref("owner/both"), live);
      expect(offer.text).toMatchObject({ kept: 0, check: "part", isWanted: false });
      const first = await open();
      await first.files.fetch(first.plans.encoder, () => {}, live, { text: "nothing" });
      expect(first.files.saved).toMatchObject({ complete: true, text: "absent" });
      expect(hub.requests.some((line) => line.includes("tokenizer"))).toBe(false);
      expect(first.text.alone.bytes).toBe(offer.text!.bytes);
      expect(first.text.alone.bytes).toBeLessThan(bytes.byteLength / 2);

      const second = await open();
      const steps: { stage: string; done: number; total: number }[] = [];
      const kept = second.files.kept(second.text.alone);
      const sent = hub.sent;
      await second.files.fetch(second.text.alone, (step) => steps.push(step), live, { text: "whole" });
      expect(hub.sent - sent).toBe(second.text.alone.bytes - kept);
      const total = second.text.alone.bytes;
      expect(steps.at(-1)).toEqual({ stage: "Downloading the text tower (bytes)", done: total, total });
      expect(second.files.saved).toMatchObject({ complete: true, text: "whole" });

      await hub.close();
      const third = await open();
      expect(
        (await embed(third, ["a photo of a church", "golf ball"])).embeddings.every(Number.isFinite),
      ).toBe(true);
      hub = await startTestHub({});
    });

    it("a tower that was wanted with the encoder is so when the download goes on, and is checked by the sha256", async () => {
      const bytes = fixtureFiles({ padded: false });
      const first = await open();
      expect(first.text.withEncoder.isWhole).toBe(true);
      const stop = new AbortController();
      const fetching = first.files.fetch(first.text.withEncoder, () => stop.abort(), stop.signal, {
        text: "whole",
      });
      await expect(fetching).rejects.toThrow(/cancelled/i);
      expect((await open()).files.saved).toMatchObject({ complete: false, text: "wanted" });
      // What is asked for without the tower does not forget that it was wanted.
      const second = await open();
      await second.files.fetch(second.plans.encoder, () => {}, live, { text: "nothing" });
      expect(second.files.saved).toMatchObject({ complete: true, text: "wanted" });
      const third = await open();
      const sha256 = await third.files.fetch(third.text.withEncoder, () => {}, live, { text: "whole" });
      expect(sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
      expect(third.files.saved).toMatchObject({ complete: true, text: "whole" });
    });

    it("damaged on the way it is refused, and not resumed from", async () => {
      fixtureFiles({ padded: false });
      const { files, text } = await open();
      hub.faults.corrupts = true;
      await expect(files.fetch(text.alone, () => {}, live, { text: "whole" })).rejects.toThrow(
        /sha256 .* as the Hub states it/,
      );
      expect(await folderStorage(root).find(ref("owner/both"))).toBeNull();
    });

    it("damaged on the way it leaves the encoder that was here, and comes whole the next time", async () => {
      fixtureFiles({ padded: false });
      const first = await open();
      await first.files.fetch(first.plans.encoder, () => {}, live, { text: "nothing" });
      const encoder = first.files.kept(first.plans.encoder);
      expect(encoder).toBe(first.plans.encoder.bytes);

      const second = await open();
      const before = second.files.kept(second.text.alone);
      hub.faults.corrupts = true;
      await expect(second.files.fetch(second.text.alone, () => {}, live, { text: "whole" })).rejects.toThrow(
        /sha256 .* as the Hub states it.*the image encoder stays/,
      );
      for (const { files, text, plans } of [second, await open()]) {
        expect(files.saved).toMatchObject({ complete: true, text: "wanted" });
        expect(files.kept(plans.encoder)).toBe(encoder);
        expect(files.kept(text.alone)).toBe(before);
      }
      expect(before).toBeLessThan(second.text.alone.bytes);

      hub.faults.corrupts = false;
      const third = await open();
      await third.files.fetch(third.text.alone, () => {}, live, { text: "whole" });
      expect(third.files.saved).toMatchObject({ complete: true, text: "whole" });
    });

    it("without a tokenizer it is not offered, and that is said", async () => {
      fixtureFiles({ padded: false });
      delete hub.repositories.get("owner/both")!.files["tokenizer.json"];
      const offer = await lookUpModel(ref("owner/both"), live);
      expect(offer.text).toBeNull();
      expect(offer.textRefusal).toMatch(/tokenizer.json in the repository, got none/);
    });
  });

  describe("whose check is deferred", () => {
    let root: string;
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), "regscope-deferred-"));
    });
    afterEach(() => rmSync(root, { recursive: true }));

    const open = async (id = ID) => {
      const files = await openHubFiles(ref(id), folderStorage(root), true, live);
      const weights = await openCheckpoint(files.weights, files.index);
      const { encoder } = await planModel(files, weights, (view) => openEncoder(view, files.configs));
      const checks: WeightsCheck[] = [];
      const sha256 = await files.fetch(encoder, () => {}, live, { defer: (check) => checks.push(check) });
      return { files, sha256, checks };
    };

    it("is known by what the Hub states, and complete only when it was checked", async () => {
      const { files, sha256, checks } = await open();
      expect(sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
      expect(files.saved?.complete).toBe(false);
      const steps: number[] = [];
      await checks[0]!(({ done, total }) => steps.push(done / total), live);
      expect(steps.at(-1)).toBe(1);
      expect(files.saved?.complete).toBe(true);
      expect((await open()).checks).toEqual([]);
    });

    it("and never ran is checked when it is opened again, also without a network", async () => {
      await open();
      await hub.close();
      const again = await open();
      await again.checks[0]!(() => {}, live);
      expect(again.files.saved?.complete).toBe(true);
      hub = await startTestHub({});
    });

    it("and was cancelled keeps what arrived; damaged, it is deleted", async () => {
      hub.faults.corrupts = true;
      const { checks } = await open();
      const stop = new AbortController();
      stop.abort();
      await expect(checks[0]!(() => {}, stop.signal)).rejects.toThrow(CancelledError);
      expect(await folderStorage(root).find(ref())).not.toBeNull();
      await expect(checks[0]!(() => {}, live)).rejects.toThrow(/sha256 .* as the Hub states it/);
      expect(await folderStorage(root).find(ref())).toBeNull();
    });

    it("is checked before it is used where no one sha256 names it: in shards", async () => {
      const folder = join(FIXTURES, SHARDED);
      const names = readdirSync(folder);
      const content = names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))] as const);
      hub.repositories.set("owner/shards", { files: Object.fromEntries(content) });
      const { files, checks } = await open("owner/shards");
      expect(checks).toEqual([]);
      expect(files.saved?.complete).toBe(true);
    });
  });

  it("is refused when it was damaged on the way", async () => {
    hub.faults.corrupts = true;
    await expect(fetched()).rejects.toThrow(/sha256 .* as the Hub states it.*download it again/);
  });

  it("is refused when it is no encoder", async () => {
    await expect(lookUpModel(ref("owner/pickle"), live)).rejects.toThrow(/safetensors.*pytorch_model\.bin/);
    await expect(lookUpModel(ref("owner/gpt"), live)).rejects.toThrow(/gpt2/);
  });
});
