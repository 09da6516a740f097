import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/**
 * For tests: writes image files that are cut off, as a broken download leaves them: a PNG within its pixels, and a JPEG
 * before them, which no decoder completes with grey.
 */
export async function writeDamaged(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const noise = Uint8Array.from({ length: 3 * 40 * 40 }, (_, i) => (i * i * 31) % 251);
  const image = sharp(noise, { raw: { width: 40, height: 40, channels: 3 } });
  const png = await image.png().toBuffer();
  writeFileSync(join(folder, "cut.png"), png.subarray(0, png.byteLength / 2));
  const jpeg = await image.jpeg().toBuffer();
  const startOfScan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  writeFileSync(join(folder, "cut.jpg"), jpeg.subarray(0, startOfScan));
}
