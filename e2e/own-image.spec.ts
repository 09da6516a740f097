import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { mulberry32 } from "../src/families/random-checkpoint.ts";
import { cliTrace } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

/** A picture with smooth shades and noise, 230 x 170, that no sample resembles. */
function ownPicture(): Sharp {
  const [width, height] = [230, 170];
  const uniform = mulberry32(7);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [x, y] = [(pixel % width) / width, Math.floor(pixel / width) / height];
    const shade = [x, y, Math.abs(Math.sin(9 * x * y))][i % 3]!;
    return Math.round(255 * (0.9 * shade + 0.1 * uniform()));
  });
  return sharp(data, { raw: { width, height, channels: 3 } });
}

for (const { file, write } of [
  { file: "own.png", write: (picture: Sharp) => picture.png() },
  { file: "own.jpg", write: (picture: Sharp) => picture.jpeg({ quality: 90 }) },
  { file: "own.webp", write: (picture: Sharp) => picture.webp({ lossless: true }) },
]) {
  test(`an own ${file.split(".")[1]} is analysed, with the command line's numbers`, async ({ lab }, info) => {
    const path = info.outputPath(file);
    await write(ownPicture()).toFile(path);
    await lab.open();
    await lab.byId("image-input").setInputFiles(path);
    await expect(lab.byId("image-name")).toHaveText(new RegExp(`^${file}, 230 × 170 px, seen as 64 × 64`));
    await lab.expectTrace("baseline", await cliTrace(path));
    expect(new URL(lab.page.url()).hash, "a link cannot carry an own image").not.toContain("sample=");
  });
}

test("an own AVIF is analysed; decoders may differ by a little", async ({ lab }, info) => {
  const path = info.outputPath("own.avif");
  await ownPicture().avif({ quality: 90, chromaSubsampling: "4:4:4" }).toFile(path);
  await lab.open();
  await lab.byId("image-input").setInputFiles(path);
  await expect(lab.byId("image-name")).toHaveText(/^own\.avif, 230 × 170 px/);
  await lab.waitForRuns();
  const shown = (await lab.rows("baseline")).map(({ median }) => Number(median));
  const expected = (await cliTrace(path)).blocks.map(({ residual }) => residual.median);
  expect(shown).toHaveLength(expected.length);
  for (const [block, value] of expected.entries()) {
    expect(Math.abs(shown[block]! / value - 1), `median of block ${block}`).toBeLessThan(0.05);
  }
});

test("an image is dropped on the page, and pasted", async ({ lab }) => {
  await lab.open();
  const dropped = join(SAMPLES, "scene-bag.png");
  await lab.drop([{ name: "dropped.png", type: "image/png", bytes: await readFile(dropped) }]);
  await expect(lab.byId("image-name")).toContainText("dropped.png, 512 × 512 px");
  await lab.expectTrace("baseline", await cliTrace(dropped));

  const pasted = join(SAMPLES, "scene-dress.png");
  await lab.paste({ name: "pasted.png", type: "image/png", bytes: await readFile(pasted) });
  await expect(lab.byId("image-name")).toContainText("pasted.png, 512 × 512 px");
  await lab.expectTrace("baseline", await cliTrace(pasted));
});
