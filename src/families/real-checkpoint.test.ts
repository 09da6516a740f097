import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { fileSource } from "../cli/file-source.ts";
import { NO_CONFIG_FILES } from "./config-files.ts";
import { openEncoder } from "./index.ts";

const models = process.env.REGSCOPE_MODELS ?? "../shared/models";
const path = (name: string) => join(models, name, "model.safetensors");

/** Real checkpoints are not part of the project; without them these tests say so and are skipped. */
function ifPresent(name: string) {
  const present = existsSync(path(name));
  if (!present) console.info(`${path(name)} is absent: its tests are skipped.`);
  return describe.skipIf(!present);
}

ifPresent("vit-tiny-augreg-tinyimagenet")("ViT-Tiny AugReg, fine-tuned on Tiny-ImageNet", () => {
  it("opens without a config", async () => {
    const source = await fileSource(path("vit-tiny-augreg-tinyimagenet"));
    const file = await openSafetensors(source);
    const { spec, weights } = openEncoder(file, NO_CONFIG_FILES, { layerNormEps: 1e-12 });
    expect(spec).toMatchObject({
      blocks: 12,
      width: 192,
      heads: 3,
      mlpWidth: 768,
      patch: 16,
      grid: 14,
      tokens: 197,
      classes: 200,
      pooling: "cls",
      layerNormEps: 1e-12,
      preprocess: {
        size: 224,
        resize: 256,
        interpolation: "bicubic",
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
    });
    let parameters = 0;
    for (const { shape } of file.tensors.values()) parameters += shape.reduce((a, b) => a * b, 1);
    // As the model's notes state.
    expect(parameters).toBe(5_563_016);
    for (let b = 0; b < spec.blocks; b++) expect((await weights.block(b)).fc2.weight).toHaveLength(192 * 768);
    expect((await weights.embed()).leading).toHaveLength(192);
    await source.close();
  });
});

ifPresent("deit-tiny")("DeiT-Tiny", () => {
  it("opens with ImageNet's normalisation stated by the user", async () => {
    const source = await fileSource(path("deit-tiny"));
    const { spec } = openEncoder(await openSafetensors(source), NO_CONFIG_FILES, {
      normalisation: "imagenet",
    });
    expect([spec.blocks, spec.heads, spec.classes, spec.tokens]).toEqual([12, 3, 1000, 197]);
    expect(spec.preprocess.std).toEqual([0.229, 0.224, 0.225]);
    await source.close();
  });
});
