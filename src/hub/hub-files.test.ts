import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../checkpoint/shards.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { planReads } from "../families/read-plan.ts";
import { lookUpModel } from "../worker/look-up-model.ts";
import { openHubFiles } from "./hub-files.ts";
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

/** The same checkpoint with one more tensor, of a text tower, at the end of the file. */
function withTensor(file: Uint8Array, data: Float32Array): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(file.subarray(8, 8 + length)).toString("utf8")) as object;
  const body = file.subarray(8 + length);
  const entry = {
    dtype: "F32",
    shape: [data.length],
    data_offsets: [body.byteLength, body.byteLength + data.byteLength],
  };
  const json = Buffer.from(JSON.stringify({ ...header, "text_model.extra.weight": entry }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.byteLength));
  return new Uint8Array(
    Buffer.concat([size, json, body, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  );
}

const ref = (id = ID) => ({ hub: hub.url, id, revision: "main" });

const FIXTURES = join(import.meta.dirname, "../families/fixtures");
/** Every layout in which encoders are published, sharded ones and those with a text tower among them. */
const LAYOUTS = readdirSync(FIXTURES).filter((name) =>
  readdirSync(join(FIXTURES, name)).some((file) => file.endsWith(".safetensors") && file.startsWith("model")),
);

async function fetched(id = ID) {
  const files = await openHubFiles(ref(id), null, true, live);
  const weights = await openCheckpoint(files.weights, files.index);
  const plan = files.plan(await planReads(weights, (view) => openEncoder(view, files.configs)));
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

  it("with a text tower comes without it, and gets it when it is asked for", async () => {
    const folder = join(FIXTURES, "siglip2");
    const files = Object.fromEntries(
      readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]),
    );
    const json = withTensor(files["model.safetensors"]!, new Float32Array(1000 * 512));
    hub.repositories.set("owner/both", { files: { ...files, "model.safetensors": json } });
    const { plan, sha256, files: opened } = await fetched("owner/both");
    expect(plan.isWhole).toBe(false);
    expect(plan.bytes).toBeLessThan(json.byteLength - 1_000_000);
    expect(sha256).toBe(createHash("sha256").update(json).digest("hex"));
    const whole = await opened.weights[0]!.read(0, json.byteLength);
    expect(Buffer.compare(whole, json)).toBe(0);
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
