import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { listImages, openFolderSet, readImage } from "./folder-dataset.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "regscope-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

async function put(path: string, red = 0): Promise<void> {
  const raw = { width: 2, height: 3, channels: 3 } as const;
  const pixels = Uint8Array.from({ length: 18 }, (_, i) => (i % 3 === 0 ? red : 0));
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), await sharp(pixels, { raw: raw }).png().toBuffer());
}

test("classes and images are sorted; other files and hidden ones are ignored", async () => {
  await put("dog/b.PNG", 10);
  await put("dog/a.png", 20);
  await put("cat/z.png", 30);
  writeFileSync(join(root, "dog/notes.txt"), "");
  writeFileSync(join(root, "README.md"), "");
  await put(".cache/x.png");
  const set = await openFolderSet(root);
  expect(set.classes).toEqual(["cat", "dog"]);
  expect([0, 1, 2].map((i) => [set.label(i), set.id(i)])).toEqual([
    [0, join(root, "cat/z.png")],
    [1, join(root, "dog/a.png")],
    [1, join(root, "dog/b.PNG")],
  ]);
  const image = await set.image(2);
  expect([image.width, image.height, image.data[0]]).toEqual([2, 3, 10]);
});

test("a class may be a symbolic link", async () => {
  await put("real/cat/a.png");
  mkdirSync(join(root, "set"));
  symlinkSync(join(root, "real/cat"), join(root, "set/feline"));
  expect((await openFolderSet(join(root, "set"))).classes).toEqual(["feline"]);
});

test("a dangling link to an image is an image that cannot be read; any other is ignored", async () => {
  await put("cat/a.png");
  await put("dog/z.png");
  for (const name of ["cat/b.jpg", "cat/notes", "bird"]) symlinkSync(join(root, "gone"), join(root, name));
  symlinkSync("loop.png", join(root, "dog/loop.png"));
  const set = await openFolderSet(root);
  expect(set.classes).toEqual(["cat", "dog"]);
  const ids = ["cat/a.png", "cat/b.jpg", "dog/loop.png", "dog/z.png"].map((path) => join(root, path));
  expect(Array.from({ length: set.count }, (_, i) => set.id(i))).toEqual(ids);
  expect(await listImages(join(root, "cat"))).toEqual(ids.slice(0, 2));
  for (const i of [1, 2]) {
    await expect(set.image(i)).rejects.toThrow(InputError);
    await expect(set.encoded!(i)).rejects.toThrow(InputError);
  }
  expect((await set.image(3)).width).toBe(2);
});

test("listImages takes a flat folder, or the images of class folders", async () => {
  await put("flat/b.png");
  await put("flat/a.png");
  expect(await listImages(join(root, "flat"))).toEqual(["a.png", "b.png"].map((f) => join(root, "flat", f)));
  expect(await listImages(root)).toEqual(["a.png", "b.png"].map((f) => join(root, "flat", f)));
});

test("an empty class folder is refused by name", async () => {
  await put("cat/a.png");
  mkdirSync(join(root, "dog"));
  await expect(openFolderSet(root)).rejects.toThrow(/dog: expected at least one image.*empty class folder/);
  await expect(openFolderSet(root)).rejects.toBeInstanceOf(InputError);
});

test("a folder of splits is refused with the advice to take one of them", async () => {
  await put("train/cat/a.png");
  await put("val/cat/b.png");
  await expect(openFolderSet(root)).rejects.toThrow(
    /folders of folders: train, val\. Take one of them, e\.g\. .*train/,
  );
});

test("no class folders, no folder at all, and a file instead are refused", async () => {
  await expect(openFolderSet(root)).rejects.toThrow(/no folder inside/);
  await expect(openFolderSet(join(root, "missing"))).rejects.toThrow(/ENOENT/);
  await put("a.png");
  await expect(openFolderSet(join(root, "a.png"))).rejects.toBeInstanceOf(InputError);
});

test("a file that is no image is refused", async () => {
  mkdirSync(join(root, "cat"));
  writeFileSync(join(root, "cat/a.png"), "not a picture");
  await expect((await openFolderSet(root)).image(0)).rejects.toBeInstanceOf(InputError);
  await expect(readImage(join(root, "missing.png"))).rejects.toThrow(/ENOENT/);
});
