import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLabelledSet } from "./labelled-set.ts";

let root: string;
const png = (red: number) =>
  sharp({ create: { width: 2, height: 2, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toBuffer();
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "regscope-set-"));
});
afterAll(() => rmSync(root, { recursive: true }));

test("a folder and a zip of it are the same set", async () => {
  const files = { "cat/1.png": await png(10), "dog/1.png": await png(20), "dog/2.png": await png(30) };
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(root, "set", path, ".."), { recursive: true });
    writeFileSync(join(root, "set", path), bytes);
  }
  const inOuter = Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`outer/${path}`, bytes]));
  writeFileSync(join(root, "set.zip"), zipSync(inOuter));
  const [folder, zip] = [
    await openLabelledSet(join(root, "set")),
    await openLabelledSet(join(root, "set.zip")),
  ];
  expect(zip).toMatchObject({
    name: "set.zip",
    classes: folder.classes,
    count: 3,
    fingerprint: folder.fingerprint,
  });
  for (let i = 0; i < 3; i++) {
    expect(zip.label(i)).toBe(folder.label(i));
    expect(await zip.image(i)).toEqual(await folder.image(i));
  }
});
