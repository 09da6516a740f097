import { readFileSync } from "node:fs";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { inspectImage } from "./inspect.ts";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
const blank = sharp({ create: { width: 7, height: 5, channels: 3, background: "red" } });

/** A PNG header that claims a size; no decoder would come to the missing data. */
function pngClaiming(width: number, height: number): Uint8Array {
  const bytes = fixture("tiny-5x3.png");
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

describe("inspectImage", () => {
  it("reads size and type of every accepted format", async () => {
    for (const format of ["png", "jpeg", "webp", "avif", "gif"] as const) {
      const facts = inspectImage(new Uint8Array(await blank.clone().toFormat(format).toBuffer()), "image");
      expect(facts).toEqual({ width: 7, height: 5, type: format === "jpeg" ? "jpg" : format });
    }
  });

  it("swaps the sides of an image that EXIF turns by a quarter", () => {
    expect(inspectImage(fixture("turned-64x40.jpg"), "turned")).toEqual({
      width: 40,
      height: 64,
      type: "jpg",
    });
  });

  it.each([
    ["a text file", new TextEncoder().encode("hello, this is no image"), "a file that is none"],
    ["an empty file", new Uint8Array(0), "an empty file"],
    ["an SVG", new TextEncoder().encode('<svg width="9" height="9"></svg>'), "a file of type svg"],
    ["a truncated PNG header", fixture("tiny-5x3.png").slice(0, 18), "header is damaged"],
    ["a zero-sized PNG", pngClaiming(0, 10), "0 x 10"],
    ["a 100-megapixel PNG", pngClaiming(10_000, 10_000), "10000 x 10000 (100 megapixels)"],
    ["a file above 64 MB", new Uint8Array(64 * 2 ** 20 + 1), "65 MB"],
  ])("refuses %s", (_what, bytes, got) => {
    expect(() => inspectImage(bytes, "file")).toThrow(InputError);
    expect(() => inspectImage(bytes, "file")).toThrow(got);
  });

  it("refuses TIFF by name", async () => {
    const tiff = new Uint8Array(await blank.clone().tiff().toBuffer());
    expect(() => inspectImage(tiff, "scan.tif")).toThrow("a file of type tiff");
  });

  it("never fails with anything but an InputError", () => {
    const files = ["tiny-5x3.png", "turned-64x40.jpg"].map(fixture);
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 }),
        fc.nat(400),
        (file, edits, cut) => {
          const bytes = file.slice(0, file.length - Math.min(cut, file.length));
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          try {
            inspectImage(bytes, "fuzzed");
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
    );
  });
});
