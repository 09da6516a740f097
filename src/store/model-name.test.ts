import { expect, test } from "vitest";
import { modelName } from "./model-name.ts";

test("a model is named by its config, else by its repository, else by its file", () => {
  const hub = { kind: "hub", hub: "https://huggingface.co", id: "owner/clip", revision: "main" } as const;
  const files = { kind: "files", files: [] } as const;
  expect(modelName({ label: "vit_tiny" }, hub)).toBe("vit_tiny");
  expect(modelName({ label: "model.safetensors" }, hub)).toBe("owner/clip");
  expect(modelName({ label: "model.safetensors.index.json" }, { ...hub, revision: "v1" })).toBe(
    "owner/clip@v1",
  );
  expect(modelName({ label: "model.safetensors" }, files)).toBe("model.safetensors");
});
