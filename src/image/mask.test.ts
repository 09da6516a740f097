import { describe, expect, test } from "vitest";
import type { PreprocessSpec } from "../encoder/spec.ts";
import { foregroundShare, maskPixels, prepareMask } from "./mask.ts";
import type { RgbaImage } from "./rgba-image.ts";

const spec: PreprocessSpec = {
  size: 4,
  mode: "squash",
  resize: 4,
  interpolation: "bicubic",
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

/** White where `isWhite` says so. */
const picture = (width: number, height: number, isWhite: (x: number, y: number) => boolean): RgbaImage => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
    const at = i >> 2;
    return i % 4 === 3 || isWhite(at % width, Math.floor(at / width)) ? 255 : 0;
  }),
});
const left = (width: number) => (x: number) => x < width / 2;

test("a mask goes the way of its image: resized, then cut at half white", () => {
  const inside = prepareMask(picture(8, 8, left(8)), { width: 512, height: 512 }, spec, "m.png");
  expect(Array.from(inside)).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
  expect(foregroundShare(inside)).toBe(0.5);
});

test("a mask of a wide image is cropped as the image is", () => {
  const crop: PreprocessSpec = { ...spec, mode: "shortest-edge" };
  const wide = picture(16, 8, (x) => x < 4 || x >= 12); // white outside of the centre crop only
  expect(() => prepareMask(wide, { width: 32, height: 16 }, crop, "m.png")).toThrow(/no foreground/);
});

/** Left half white, right half black, but for a part of both that is coloured. */
const coloured = (side: number, part: number): RgbaImage => {
  const { data, ...size } = picture(side, side, left(side));
  return {
    ...size,
    data: data.map((value, i) => (i >> 2 < part * side * side ? [90, 200, 40, 255][i % 4]! : value)),
  };
};

test("soft edges are no photograph", () => {
  const inside = prepareMask(coloured(8, 0.125), { width: 512, height: 512 }, spec, "m.png");
  expect(foregroundShare(inside)).toBeGreaterThan(0.3);
});

describe("refused", () => {
  test.each([
    ["another shape", picture(8, 4, left(8)), /shape \(512 x 512\), got 8 x 4/],
    ["all white", picture(4, 4, () => true), /no background/],
    ["all black", picture(4, 4, () => false), /no foreground/],
    ["a photograph", coloured(8, 0.5), /neither black nor white/],
  ])("%s", (_, mask, message) => {
    expect(() => prepareMask(mask, { width: 512, height: 512 }, spec, "m.png")).toThrow(message);
  });
});

test("one part of the normalised pixels is zeroed, in all three channels", () => {
  const mask = { id: "m", inside: Uint8Array.of(1, 0, 0, 1) };
  const pixels = Float32Array.from({ length: 12 }, (_, i) => i + 1);
  expect(Array.from(maskPixels(pixels, mask, "foreground"))).toEqual([1, 0, 0, 4, 5, 0, 0, 8, 9, 0, 0, 12]);
  expect(Array.from(maskPixels(pixels, mask, "background"))).toEqual([0, 2, 3, 0, 0, 6, 7, 0, 0, 10, 11, 0]);
});
