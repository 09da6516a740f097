import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors, type Safetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import { openEncoder } from "./index.ts";

const read = (path: string) => readFileSync(new URL(`fixtures/${path}`, import.meta.url));
const json = (path: string) => JSON.parse(read(path).toString("utf8"));
const checkpoint = (name: string) =>
  openSafetensors(memorySource(read(`${name}/model.safetensors`), "model.safetensors"));
const configsOf = (name: string) => ({
  config: json(`${name}/config.json`),
  // timm has its preprocessing in the config.
  preprocessor: name.startsWith("timm") ? null : json(`${name}/preprocessor_config.json`),
});

/** vision_config of the fixture siglip2-naflex. */
const NAFLEX = configsOf("siglip2-naflex").config.vision_config;

/** A file of scalars under these names. */
const named = (...names: string[]): Promise<Safetensors> =>
  openSafetensors(
    memorySource(
      writeSafetensors(names.map((name) => ({ name, shape: [1], data: new Float32Array(1) }))),
      "model.safetensors",
    ),
  );

function expectRefusal(open: () => unknown, message: string): void {
  expect(open).toThrow(InputError);
  expect(open).toThrow(message);
}

describe("checkpoints that are no image encoder", () => {
  it.each([
    ["model.embed_tokens.weight", "a language model"],
    ["transformer.wte.weight", "a language model"],
    ["layer1.0.bn1.running_mean", "a convolutional network"],
    ["text_model.embeddings.token_embedding.weight", "a text tower without its image encoder"],
    ["visual.trunk.stem.conv.weight", "an OpenCLIP model with a timm tower that is no vision transformer"],
    ["base.lora_A.weight", "an adapter"],
  ])("says what a file with %s seems to be", async (tensor, kind) => {
    const file = await named(tensor);
    expectRefusal(() => openEncoder(file), kind);
    expectRefusal(() => openEncoder(file, { config: { model_type: "llama" } }), 'model_type "llama"');
  });
});

describe("configs that disagree with their tensors", () => {
  it.each([
    ["vit", { model_type: "siglip" }, 'model_type "vit"'],
    ["vit", { hidden_size: 32 }, "expected 64, as the tensors say, got 32"],
    ["vit", { num_hidden_layers: 12 }, "num_hidden_layers"],
    ["vit", { intermediate_size: 64 }, "intermediate_size"],
    ["vit", { image_size: 224 }, "image_size"],
    ["vit", { num_attention_heads: 5 }, "a divisor of the width 64"],
    ["vit", { hidden_act: "relu" }, '"relu"'],
    ["vit", { layer_norm_eps: -1 }, "layer_norm_eps"],
    ["dinov2-with-registers", { num_register_tokens: 2 }, "num_register_tokens"],
    ["dinov2", { use_swiglu_ffn: true }, "use_swiglu_ffn"],
    ["dinov2-swiglu", { use_swiglu_ffn: false }, "expected true, as the tensors say, got false"],
    ["dinov2-swiglu", { mlp_ratio: 4 }, "expected 88, as the tensors say, got 176"],
    ["clip", { projection_dim: 512 }, "projection_dim"],
    ["siglip2-naflex", { model_type: "siglip" }, 'model_type "siglip2"'],
    ["siglip2-naflex", { vision_config: { ...NAFLEX, num_patches: 64 } }, "num_patches"],
    ["timm-swiglu", { model_args: { act_layer: "gelu" } }, '"silu", as the MLP is gated'],
    ["timm-swiglu", { model_args: { mlp_ratio: 4 } }, "expected 176, as the tensors say, got 256"],
    ["timm-vit", { model_args: { act_layer: "silu" } }, "a kind of GELU"],
    ["timm-vit", { architecture: "vit_base_patch16_rpn_224" }, '"vit_base_patch16_rpn_224"'],
    ["timm-vit", { architecture: "vit_pe_core_base_patch16_224" }, '"vit_pe_core_base_patch16_224"'],
  ])("%s with %j", async (name, change, message) => {
    const file = await checkpoint(name);
    const { config, preprocessor } = configsOf(name);
    expectRefusal(() => openEncoder(file, { config: { ...config, ...change }, preprocessor }), message);
  });

  it.each([
    [{ resample: 1 }, "lanczos"],
    [{ do_resize: false }, "do_resize"],
    [{ size: { height: 48, width: 40 } }, "a square"],
    [{ image_std: [0, 0.5, 0.5] }, "image_std"],
    [{ size: { shortest_edge: 48 } }, "do_center_crop"],
  ])("a preprocessor with %j", async (change, message) => {
    const file = await checkpoint("vit");
    const { config, preprocessor } = configsOf("vit");
    expectRefusal(() => openEncoder(file, { config, preprocessor: { ...preprocessor, ...change } }), message);
  });
});
