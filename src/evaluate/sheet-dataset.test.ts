import { describe, expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { openSheet } from "./sheet-dataset.ts";

const good = {
  name: "scenes",
  version: 1,
  licence: "MIT",
  tile: 2,
  columns: 2,
  count: 3,
  classes: ["shirt", "shoe"],
  labels: [0, 1, 1],
  images: "images.png",
  masks: "masks.png",
};

/** A 4 x 4 sheet whose red channel counts the pixels. */
const sheet: RgbaImage = {
  width: 4,
  height: 4,
  data: Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : Math.floor(i / 4))),
};

const open = (json: unknown, image = sheet, file?: string) =>
  openSheet(
    async (name) => new TextEncoder().encode(name.endsWith(".json") ? JSON.stringify(json) : name),
    async () => image,
    file,
  );

test("cuts tiles row by row", async () => {
  const set = await open(good);
  expect(set.count).toBe(3);
  expect(set.classes).toEqual(["shirt", "shoe"]);
  expect([0, 1, 2].map(set.label)).toEqual([0, 1, 1]);
  const tile = await set.image(2);
  expect(tile.width).toBe(2);
  expect([0, 4, 8, 12].map((i) => tile.data[i])).toEqual([8, 9, 12, 13]);
  expect((await set.image(1)).data[0]).toBe(2);
});

test("ids tell two sheets of one folder apart", async () => {
  const [labels, probe] = [await open(good), await open(good, sheet, "probe.json")];
  expect(labels.id(0)).not.toBe(probe.id(0));
});

describe("a description that does not fit is refused", () => {
  test.each([
    ["a label without a class", { ...good, labels: [0, 1, 2] }, /index into classes/],
    ["fewer labels than tiles", { ...good, labels: [0, 1] }, /one label per tile/],
    ["a path instead of a file name", { ...good, images: "../secret.png" }, /plain file name/],
    ["no classes", { ...good, classes: undefined }, /classes/],
  ])("%s", async (_, json, message) => {
    await expect(open(json)).rejects.toThrow(message);
    await expect(open(json)).rejects.toBeInstanceOf(InputError);
  });

  test("a sheet that is too small", async () => {
    await expect(open(good, { ...sheet, height: 2, data: sheet.data.subarray(0, 32) })).rejects.toThrow(
      /at least 4 x 4 pixels.*got 4 x 2/,
    );
  });

  test("no JSON", async () => {
    const read = async () => new TextEncoder().encode("{");
    await expect(openSheet(read, async () => sheet)).rejects.toThrow(/expected JSON/);
  });
});
