import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors, type Safetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { CancelledError } from "../errors/input-error.ts";
import { embedTexts } from "./embed-texts.ts";
import { readFixture } from "./fixtures.ts";
import { hasTextTower, openTextTower } from "./open-text.ts";
import { createTokenizer } from "./tokenizer.ts";

const load = (name: string) =>
  readFixture((file) => readFile(new URL(`fixtures/${name}/${file}`, import.meta.url)));
const open = (bytes: Uint8Array) => openSafetensors(memorySource(bytes, "model.safetensors"));
const runtime = createNodeRuntime();
const NONE = { config: null, openClip: null };

describe("the CLIP layout", () => {
  let clip: Awaited<ReturnType<typeof load>>;
  let file: Safetensors;
  const withText = (change: object) => {
    const config = clip.configs.config as { text_config: object };
    return { openClip: null, config: { ...config, text_config: { ...config.text_config, ...change } } };
  };
  beforeAll(async () => {
    clip = await load("clip");
    file = await open(clip.weights);
  });

  it("pools at the largest id where the config says eos_token_id 2, with the same result", async () => {
    const legacy = openTextTower(file, withText({ eos_token_id: 2 }));
    expect(legacy.spec.pooling).toEqual({ kind: "largest-id" });
    const current = openTextTower(file, clip.configs);
    expect(current.spec.pooling).toEqual({ kind: "token", id: 655 });
    const embed = (tower: typeof legacy) =>
      embedTexts(tower, createTokenizer(tower.spec, clip.tokenizer), ["a photo of a church"], runtime);
    expect((await embed(legacy)).embeddings).toEqual((await embed(current)).embeddings);
  });

  it("gives a text the same embedding alone and among many others", async () => {
    const tower = openTextTower(file, clip.configs);
    const tokenizer = createTokenizer(tower.spec, clip.tokenizer);
    const texts = Array.from({ length: 200 }, (_, i) => `a photo of ${"church ".repeat(i % 23)}${i}`);
    const steps: number[] = [];
    const onProgress = (done: number, total: number) => steps.push(done / total);
    const all = await embedTexts(tower, tokenizer, texts, runtime, { onProgress });
    expect(steps).toEqual([1 / 3, 2 / 3, 1]);
    for (const i of [0, 22, 137, 199]) {
      const { embeddings } = await embedTexts(tower, tokenizer, [texts[i]!], runtime);
      embeddings.forEach((value, e) => {
        expect(all.embeddings[i * tower.spec.embedding + e]).toBeCloseTo(value, 4);
      });
    }
  });

  it("stops when it is cancelled", async () => {
    const tower = openTextTower(file, clip.configs);
    const tokenizer = createTokenizer(tower.spec, clip.tokenizer);
    const signal = AbortSignal.abort();
    await expect(embedTexts(tower, tokenizer, ["a"], runtime, { signal })).rejects.toThrow(CancelledError);
  });

  it("without a config, heads have 64 channels, or cannot be known", () => {
    expect(() => openTextTower(file, NONE)).toThrow(
      /a divisor of the width 32, got 0.5. Put the config.json/,
    );
  });

  it.each([
    [{ vocab_size: 49408 }, /text_config, vocab_size: expected 656.*got 49408/],
    [{ hidden_size: 512 }, /hidden_size: expected 32/],
    [{ num_hidden_layers: 12 }, /num_hidden_layers: expected 2/],
    [{ num_attention_heads: 5 }, /a divisor of the width 32, got 5/],
    [{ hidden_act: "relu" }, /text_config.hidden_act/],
  ])("refuses a config that says %j", (change, message) => {
    expect(() => openTextTower(file, withText(change))).toThrow(message);
  });
});

it("a checkpoint without a text tower is refused with what to choose", async () => {
  const file = await open(writeSafetensors([{ name: "cls_token", shape: [1], data: new Float32Array(1) }]));
  expect(hasTextTower(file)).toBe(false);
  expect(() => openTextTower(file, NONE)).toThrow(/expected a text tower .* got a checkpoint without one/);
});

it("OpenCLIP's text tower opens under `text.` too, and refuses what it cannot build", async () => {
  const { weights, configs } = await load("open-clip");
  const plain = await open(weights);
  const nested = await open(
    writeSafetensors(
      await Promise.all(
        [...plain.tensors].map(async ([name, { shape }]) => ({
          name: name.startsWith("visual.") || name === "logit_scale" ? name : `text.${name}`,
          shape,
          data: await plain.read(name),
        })),
      ),
    ),
  );
  expect(openTextTower(nested, configs).spec).toEqual(openTextTower(plain, configs).spec);
  const coca = structuredClone(configs.openClip) as { model_cfg: { text_cfg: Record<string, unknown> } };
  coca.model_cfg.text_cfg.embed_cls = true;
  expect(() => openTextTower(plain, { config: null, openClip: coca })).toThrow(
    /model_cfg.text_cfg.embed_cls/,
  );
});
