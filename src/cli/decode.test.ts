import { readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { decodeImage } from "./decode.ts";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../image/fixtures/${name}`, import.meta.url)));

describe("decodeImage", () => {
  it.each([
    ["landscape-173x97.png", 173, 97],
    ["gray-90x71.png", 90, 71],
    ["palette-75x75.png", 75, 75],
    ["alpha-61x83.png", 61, 83],
    ["turned-64x40.jpg", 40, 64],
  ])("%s is RGBA of %i x %i, upright", async (name, width, height) => {
    const image = await decodeImage(fixture(name), name);
    expect([image.width, image.height, image.data.length]).toEqual([width, height, width * height * 4]);
  });

  it("keeps the colour of fully transparent pixels", async () => {
    const pixels = new Uint8Array([10, 200, 30, 0, 250, 5, 90, 128]);
    const png = await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    const { data } = await decodeImage(png, "transparent.png");
    expect([...data]).toEqual([...pixels]);
  });

  it("ignores an embedded colour profile", async () => {
    const raw = { raw: { width: 1, height: 1, channels: 3 as const } };
    const plain = await sharp(new Uint8Array([200, 40, 90]), raw)
      .png()
      .toBuffer();
    const tagged = await sharp(plain).withIccProfile("p3").png().toBuffer();
    const stored = await sharp(tagged, { ignoreIcc: true }).raw().toBuffer();
    const { data } = await decodeImage(tagged, "p3.png");
    expect([...data.slice(0, 3)]).toEqual([...stored.subarray(0, 3)]);
    expect([...stored.subarray(0, 3)]).not.toEqual([200, 40, 90]);
  });

  it("names a damaged image", async () => {
    const bytes = fixture("photo-320x213.jpg");
    const damaged = decodeImage(bytes.slice(0, bytes.length / 2), "half.jpg");
    await expect(damaged).rejects.toThrow(InputError);
    await expect(decodeImage(fixture("noise-67x64.png").slice(0, 900), "half.png")).rejects.toThrow(
      "half.png",
    );
  });
});
