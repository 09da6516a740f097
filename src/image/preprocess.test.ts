import { readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodeImage } from "../cli/decode.ts";
import type { PreprocessSpec } from "../encoder/spec.ts";
import { prepareImage } from "./preprocess.ts";
import type { RgbaImage } from "./rgba-image.ts";

// Written by tools/make_image_fixtures.py with Pillow.
const FIXTURES = new URL("./fixtures/", import.meta.url);
const caseSchema = z.object({
  image: z.string(),
  expected: z.string(),
  size: z.int(),
  resize: z.int(),
  mode: z.enum(["shortest-edge", "squash"]),
  interpolation: z.enum(["bicubic", "bilinear"]),
  samples: z.array(z.tuple([z.int(), z.number()])),
});
const cases = z.array(caseSchema).parse(JSON.parse(readFileSync(new URL("cases.json", FIXTURES), "utf8")));

const imagenet: Pick<PreprocessSpec, "mean" | "std"> = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

describe("prepareImage against Pillow", () => {
  it.each(cases)("$image: $mode $resize -> $size, $interpolation", async (one) => {
    const image = await decodeImage(readFileSync(new URL(one.image, FIXTURES)), one.image);
    const { view, pixels } = prepareImage(image, { ...imagenet, ...one });
    const expected = await sharp(readFileSync(new URL(one.expected, FIXTURES)))
      .removeAlpha()
      .raw()
      .toBuffer();
    expect(expected.length).toBe(one.size * one.size * 3);

    const rgb = view.filter((_, i) => i % 4 < 3);
    const differences = Array.from(expected, (value, i) => Math.abs(value - rgb[i]!) / 255);
    const max = Math.max(...differences);
    const mean = differences.reduce((sum, d) => sum + d, 0) / differences.length;
    expect(max).toBeLessThanOrEqual(1 / 255);
    expect(mean).toBeLessThanOrEqual(0.002);
    // Decoders may differ in the last bit of a JPEG; the resize itself must not.
    if (!one.image.endsWith(".jpg")) expect(max).toBe(0);

    expect(view.every((value, i) => i % 4 < 3 || value === 255)).toBe(true);
    const tolerance = one.image.endsWith(".jpg") ? 1.01 / 255 / 0.224 : 0;
    for (const [i, value] of one.samples) expect(Math.abs(pixels[i]! - value)).toBeLessThanOrEqual(tolerance);
  });
});

describe("prepareImage", () => {
  const solid = (width: number, height: number): RgbaImage => ({
    width,
    height,
    data: new Uint8ClampedArray(width * height * 4).fill(200),
  });
  const spec: PreprocessSpec = {
    ...imagenet,
    size: 8,
    mode: "shortest-edge",
    resize: 8,
    interpolation: "bicubic",
  };

  it("keeps a constant image constant at extreme aspect ratios", () => {
    for (const image of [solid(1, 5000), solid(5000, 1), solid(1, 1)]) {
      const { view } = prepareImage(image, spec);
      expect(new Set(view)).toEqual(new Set([200, 255]));
    }
  });

  it("does not change the image it is given", () => {
    const image = solid(20, 10);
    prepareImage(image, spec);
    expect(new Set(image.data)).toEqual(new Set([200]));
  });

  it("prepares a 12-megapixel photo quickly, because only the crop is computed", () => {
    const image = solid(4000, 3000);
    const begin = performance.now();
    prepareImage(image, { ...spec, size: 224, resize: 256 });
    expect(performance.now() - begin).toBeLessThan(3000);
  });
});
