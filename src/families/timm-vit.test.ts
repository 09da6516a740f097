import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors, type Safetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import { NO_CONFIG_FILES } from "./config-files.ts";
import { openEncoder } from "./index.ts";
import { type RandomCheckpointOptions, randomCheckpoint } from "./random-checkpoint.ts";

async function random(options: RandomCheckpointOptions = {}) {
  const { bytes, config } = randomCheckpoint(options);
  return { file: await openSafetensors(memorySource(bytes, "model.safetensors")), config };
}

/** The same checkpoint after its tensors were changed by name. */
async function edited(
  file: Safetensors,
  edit: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void,
): Promise<Safetensors> {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, { shape }] of file.tensors) tensors.set(name, { shape, data: await file.read(name) });
  edit(tensors);
  const list = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  return openSafetensors(memorySource(writeSafetensors(list), "model.safetensors"));
}

describe("timm ViT", () => {
  it("reads shapes and config", async () => {
    const { file, config } = await random({ width: 96, heads: 3, blocks: 3, grid: 5, patch: 4, classes: 7 });
    const { spec } = openEncoder(file, { config });
    expect(spec).toMatchObject({
      family: "timm-vit",
      blocks: 3,
      width: 96,
      heads: 3,
      mlpWidth: 384,
      patch: 4,
      grid: 5,
      hasCls: true,
      trainedRegisters: 0,
      tokens: 26,
      activation: "gelu",
      pooling: "cls",
      classes: 7,
      classNames: null,
      outlierOrigin: null,
      // floor(20 / 0.9)
      preprocess: { size: 20, resize: 22, mode: "shortest-edge", interpolation: "bicubic" },
    });
    expect(spec.assumptions).toEqual(["LayerNorm epsilon 1e-6"]);
  });

  it("says what it assumed without a config", async () => {
    const { file } = await random({ width: 128, grid: 14, patch: 2 });
    const { spec } = openEncoder(file, NO_CONFIG_FILES);
    expect(spec).toMatchObject({ heads: 2, layerNormEps: 1e-6, label: "model.safetensors" });
    expect(spec.preprocess).toMatchObject({
      size: 28,
      resize: 32,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
    for (const word of ["2 heads", "epsilon", "CLS", "bicubic", "resize to 32", "0.5"]) {
      expect(spec.assumptions.some((text) => text.includes(word))).toBe(true);
    }
    const stated = openEncoder(file, NO_CONFIG_FILES, {
      normalisation: "imagenet",
      layerNormEps: 1e-12,
    }).spec;
    expect(stated.layerNormEps).toBe(1e-12);
    expect(stated.preprocess.mean).toEqual([0.485, 0.456, 0.406]);
    expect(stated.assumptions).toHaveLength(spec.assumptions.length - 2);
  });

  it("adds position embeddings to CLS and registers where timm does", async () => {
    for (const noEmbedClass of [false, true]) {
      const { file, config } = await random({ registers: 2, noEmbedClass, grid: 3 });
      const { spec, weights } = openEncoder(file, { config });
      expect([spec.trainedRegisters, spec.tokens]).toEqual([2, 12]);
      const { leading, positions } = await weights.embed();
      const cls = await file.read("cls_token");
      const registers = await file.read("reg_token");
      const pos = await file.read("pos_embed");
      const D = spec.width;
      const add = (x: number, i: number) => (noEmbedClass ? x : Math.fround(x + pos[i]!));
      expect(leading).toEqual(Float32Array.from([...cls, ...registers], add));
      expect(positions).toEqual(noEmbedClass ? pos : pos.slice(3 * D));
    }
  });

  it("reads blocks and heads as the file holds them", async () => {
    const { file, config } = await random({ layerScale: true, qkvBias: false, cls: false, fcNorm: true });
    const { spec, weights } = openEncoder(file, { config });
    expect([spec.hasCls, spec.pooling, spec.tokens]).toEqual([false, "mean", 16]);
    const block = await weights.block(1);
    expect(block.qkv).toEqual({
      weight: await file.read("blocks.1.attn.qkv.weight"),
      bias: null,
      out: 192,
      in: 64,
    });
    expect(block.scale2).toEqual(await file.read("blocks.1.ls2.gamma"));
    const head = await weights.head();
    expect(head.normAfterPool).toBe(true);
    expect(head.norm.weight).toEqual(await file.read("fc_norm.weight"));
    expect(head.classifier?.out).toBe(10);
  });

  it("opens checkpoints without a head and with a pre-norm", async () => {
    const { file, config } = await random({ classes: 0, preNorm: true });
    const { spec, weights } = openEncoder(file, { config });
    expect([spec.classes, spec.layerNormEps]).toEqual([0, 1e-5]);
    expect((await weights.head()).classifier).toBeNull();
    expect((await weights.embed()).preNorm?.bias).toEqual(await file.read("norm_pre.bias"));
  });

  it("takes names, origin of outliers and squash from the config", async () => {
    const { file, config } = await random({ classes: 2 });
    const { spec } = openEncoder(file, {
      config: {
        ...config,
        norm_eps: 1e-5,
        label_names: ["bag", "coat"],
        outliers: { origin: "implanted, then fine-tuned" },
        pretrained_cfg: {
          input_size: [3, 16, 16],
          crop_pct: 1,
          crop_mode: "squash",
          interpolation: "bilinear",
        },
      },
    });
    expect(spec).toMatchObject({
      layerNormEps: 1e-5,
      classNames: ["bag", "coat"],
      outlierOrigin: "implanted, then fine-tuned",
      preprocess: { mode: "squash", resize: 16, interpolation: "bilinear" },
    });
    expect(spec.assumptions).toEqual(["pixels normalised with mean = std = 0.5"]);
  });

  it.each([
    [{ architecture: "resnet50" }, '"resnet50"'],
    [{ architecture: "deit_tiny_distilled_patch16_224" }, "distilled"],
    [{ model_type: "llama" }, 'model_type "llama"'],
    [{}, "no architecture"],
    ["text", "no architecture"],
  ])("refuses %j, the config of another architecture", async (config, message) => {
    const { file } = await random();
    expect(() => openEncoder(file, { config })).toThrow(InputError);
    expect(() => openEncoder(file, { config })).toThrow(message);
  });

  it.each([
    [{ num_features: 32 }, "num_features"],
    [{ num_classes: 1000 }, "num_classes"],
    [{ global_pool: "map", model_args: {} }, '"map"'],
    [{ label_names: ["one"] }, "label_names"],
    [{ norm_eps: -1 }, "norm_eps"],
    [{ model_args: { depth: 12 } }, "depth"],
    [{ model_args: { num_heads: 7 } }, "divisor of the width 64"],
    [{ model_args: { act_layer: "relu" } }, "act_layer"],
    [{ model_args: null, pretrained_cfg: { input_size: [3, 224, 224] } }, "input size"],
    [{ pretrained_cfg: { interpolation: "nearest" } }, "interpolation"],
  ])("refuses a config that says %j", async (change, message) => {
    const { file, config } = await random();
    expect(() => openEncoder(file, { config: { ...config, ...change } })).toThrow(InputError);
    expect(() => openEncoder(file, { config: { ...config, ...change } })).toThrow(message);
  });

  it("names missing, unknown and misshapen tensors before reading data", async () => {
    const { file } = await random();
    const cases: [Parameters<typeof edited>[1], string][] = [
      [(t) => t.delete("norm.bias"), 'a file without "norm.bias"'],
      [(t) => [...t.keys()].filter((k) => /^blocks\.0\..*bias$/.test(k)).map((k) => t.delete(k)), "more ("],
      [
        (t) => t.set("blocks.0.attn.q_norm.weight", t.get("norm.bias")!),
        'also "blocks.0.attn.q_norm.weight"',
      ],
      [(t) => t.set("dist_token", t.get("cls_token")!), "distilled DeiT"],
      [(t) => t.set("blocks.999999999.norm1.bias", t.get("norm.bias")!), "at most 256 blocks"],
      [
        (t) => t.set("blocks.1.mlp.fc2.weight", t.get("blocks.1.mlp.fc1.weight")!),
        "shape [64, 256], got [256, 64]",
      ],
      [
        (t) => t.set("pos_embed", { shape: [1, 3, 64], data: new Float32Array(192) }),
        "a square number of patches",
      ],
      [(t) => t.set("pos_embed", t.get("norm.bias")!), "shape [1, positions, D], got shape [64]"],
      [(t) => t.delete("patch_embed.proj.weight"), "a vision encoder in a known naming"],
      [(t) => t.clear(), "no tensors"],
    ];
    for (const [edit, message] of cases) {
      const changed = await edited(file, edit);
      expect(() => openEncoder(changed, NO_CONFIG_FILES)).toThrow(InputError);
      expect(() => openEncoder(changed, NO_CONFIG_FILES)).toThrow(message);
    }
  });

  it("asks for the number of heads when the width does not tell it", async () => {
    const { file } = await random({ width: 40 });
    expect(() => openEncoder(file, NO_CONFIG_FILES)).toThrow("model_args.num_heads");
  });
});
