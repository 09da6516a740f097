import { expect, test } from "vitest";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import { readClassEmbeddings, writeClassEmbeddings } from "./embeddings-file.ts";

test("class embeddings come back as they were written; other files are refused", async () => {
  const embeddings = {
    classes: ["cat", "dög"],
    templates: ["a {}"],
    embeddings: Float32Array.of(1, 2, 3, 4, 5, 6),
    width: 3,
    scoring: "sigmoid",
    scale: 117.3,
    bias: -12.9,
    truncated: 1,
  } as const;
  expect(await readClassEmbeddings(writeClassEmbeddings(embeddings))).toEqual(embeddings);
  const foreign = writeSafetensors([{ name: "embeddings", shape: [1, 1], data: Float32Array.of(1) }]);
  await expect(readClassEmbeddings(foreign)).rejects.toThrow(/a file that RegScope wrote/);
  await expect(readClassEmbeddings(new Uint8Array(3))).rejects.toThrow(/at least 8 bytes/);
});
