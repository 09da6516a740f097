import { expect, test } from "vitest";
import type { RgbaImage } from "../image/rgba-image.ts";
import { readScene } from "./scenes.ts";

const pixels = (value: number): RgbaImage => ({
  width: 1,
  height: 1,
  data: Uint8ClampedArray.of(value, value, value, 255),
});
const set = { count: 3, image: async (i: number) => pixels(i), mask: async (i: number) => pixels(100 + i) };
const encode = async ({ data }: RgbaImage) => new Blob([String(data[0])]);

test("a scene comes with its own mask", async () => {
  const { image, mask } = await readScene(set, 2, encode);
  expect([image.name, mask.name]).toEqual(["test-scene-2.png", "test-scene-2-mask.png"]);
  expect([await image.blob.text(), await mask.blob.text()]).toEqual(["2", "102"]);
});

test("a number that the set does not have, and a set without masks, are refused", async () => {
  await expect(readScene(set, 3, encode)).rejects.toThrow("Test scene: expected a number from 0 to 2, got 3");
  const { mask: _, ...plain } = set;
  await expect(readScene(plain, 0, encode)).rejects.toThrow(/scenes with masks, got scenes alone/);
});
