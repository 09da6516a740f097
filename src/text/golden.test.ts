import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import { zeroShotProbabilities } from "../evaluate/zero-shot.ts";
import { embedClasses } from "./class-embeddings.ts";
import { embedTexts } from "./embed-texts.ts";
import { FIXTURES, readFixture } from "./fixtures.ts";
import { openText } from "./open-text.ts";
import { isPadded } from "./tokenizer.ts";

const folder = (name: string) => fileURLToPath(new URL(`fixtures/${name}/`, import.meta.url));

/** Largest difference over the largest magnitude of the expected values. */
function relativeDifference(got: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - got[i]!))) / scale;
}

describe.each(FIXTURES)("%s against its reference library", async (name) => {
  const {
    weights,
    configs,
    tokenizer: files,
    reference,
  } = await readFixture((file) => readFile(folder(name) + file));
  const file = await openSafetensors(memorySource(weights, "model.safetensors"));
  const { tower, tokenizer } = openText(file, configs, files);
  const runtime = createNodeRuntime();

  it.each(reference.texts.map((text, i) => [text.slice(0, 40), i] as const))("tokenizes %j", (_, i) => {
    const { ids, truncated } = tokenizer.encode(reference.texts[i]!);
    const expected = reference.ids[i]!;
    expect(ids).toEqual(expected.slice(0, ids.length));
    expect(truncated).toBe(reference.texts[i]!.length > 300);
    if (isPadded(tower.spec)) {
      const padding = new Array<number>(tower.spec.context - ids.length).fill(tokenizer.padId);
      expect([...ids, ...padding]).toEqual(expected);
    }
  });

  it("embeds texts to 1e-4", async () => {
    const { embeddings, truncated } = await embedTexts(tower, tokenizer, reference.texts, runtime);
    expect(truncated).toBe(1);
    expect(relativeDifference(embeddings, reference.embeddings.flat())).toBeLessThan(1e-4);
  });

  it("embeds classes and scores an image to 1e-4", async () => {
    const { classes, templates, classEmbeddings, imageFeature, probabilities } = reference;
    const embedded = await embedClasses(tower, tokenizer, classes, templates, runtime);
    expect(relativeDifference(embedded.embeddings, classEmbeddings.flat())).toBeLessThan(1e-4);
    const scores = zeroShotProbabilities(Float32Array.from(imageFeature), embedded);
    expect(relativeDifference(scores, probabilities)).toBeLessThan(1e-4);
  });
});
