import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { modelFileSet } from "./model-file-set.ts";
import { safetensorsElsewhere } from "./safetensors-elsewhere.ts";

const files = (...names: string[]) => names.map((name) => ({ name }));
const names = (set: ReturnType<typeof modelFileSet>) => ({
  weights: set.weights.map(({ name }) => name),
  index: set.index?.name ?? null,
  configs: Object.fromEntries(Object.entries(set.configs).map(([kind, { name }]) => [kind, name])),
  registers: set.registers?.name ?? null,
});

describe("modelFileSet", () => {
  it("sorts a whole repository", () => {
    const repository = files(
      ...["README.md", "config.json", "generation_config.json", "merges.txt", "model.safetensors"],
      ...["open_clip_config.json", "open_clip_model.safetensors", "preprocessor_config.json"],
      ...["pytorch_model.bin", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"],
    );
    expect(names(modelFileSet(repository))).toEqual({
      weights: ["model.safetensors"],
      index: null,
      configs: {
        config: "config.json",
        preprocessor: "preprocessor_config.json",
        openClip: "open_clip_config.json",
      },
      registers: null,
    });
  });

  it("takes shards with their index, and registers", () => {
    const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    const set = modelFileSet(files("model.safetensors.index.json", ...shards, "registers.safetensors"));
    expect(names(set)).toEqual({
      weights: shards,
      index: "model.safetensors.index.json",
      configs: {},
      registers: "registers.safetensors",
    });
  });

  it("takes a file of any name, and configs that a browser numbered", () => {
    expect(names(modelFileSet(files("my.safetensors", "config (1).json")))).toMatchObject({
      weights: ["my.safetensors"],
      configs: { config: "config (1).json" },
    });
  });

  it("prefers OpenCLIP's whole model to timm's image tower, and Transformers' whole model to both", () => {
    const both = ["model.safetensors", "open_clip_model.safetensors", "config.json"];
    const chosen = (...more: string[]) => names(modelFileSet(files(...both, ...more))).weights;
    expect(chosen("open_clip_config.json")).toEqual(["open_clip_model.safetensors"]);
    expect(chosen("open_clip_config.json", "preprocessor_config.json")).toEqual(["model.safetensors"]);
    expect(chosen()).toEqual(["model.safetensors"]);
  });

  it.each([
    [["a.safetensors", "b.safetensors"], "files of one model only"],
    [["model-00001-of-00002.safetensors", "other.safetensors"], "files of one model only"],
    [["config.json"], "model.safetensors of the encoder"],
    [[], "no file"],
    [["pytorch_model.bin", "config.json"], "Only safetensors can be read"],
    [["pytorch_model.bin", "config.json"], "google/siglip-base-patch16-224"],
  ])("refuses %j", (given, message) => {
    expect(() => modelFileSet(files(...given))).toThrow(InputError);
    expect(() => modelFileSet(files(...given))).toThrow(message);
  });
});

describe("safetensorsElsewhere", () => {
  it("names a repository that has them", () => {
    expect(safetensorsElsewhere("openai/clip-vit-base-patch16")).toContain("timm/vit_base_patch16_clip_224");
    expect(safetensorsElsewhere("someone/else")).toContain("google/siglip-base-patch16-224");
  });
});
