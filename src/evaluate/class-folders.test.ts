import { describe, expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { listUnlabelled, sortIntoClasses, UNLABELLED } from "./class-folders.ts";

const listing = (paths: readonly string[], folders: readonly string[] = []) => ({
  name: "set",
  files: paths.map((path) => ({ path, size: path.length })),
  folders,
});
const sorted = async (paths: readonly string[], folders?: readonly string[]) => {
  const { classes, items } = await sortIntoClasses(listing(paths, folders));
  return items.map(({ file, label }) => [classes[label], file.path]);
};

test("classes and images are sorted by code unit, whatever the order of the listing", async () => {
  expect(await sorted(["dog/b.PNG", "cat/z.jpg", "dog/B.png", "dog/a.webp"])).toEqual([
    ["cat", "cat/z.jpg"],
    ["dog", "dog/B.png"],
    ["dog", "dog/a.webp"],
    ["dog", "dog/b.PNG"],
  ]);
});

test("class folders may lie in outer folders", async () => {
  expect(await sorted(["a/b/cat/1.png", "a/b/dog/1.png"])).toEqual([
    ["cat", "a/b/cat/1.png"],
    ["dog", "a/b/dog/1.png"],
  ]);
  expect(await sorted(["set/cat/1.png"])).toEqual([["cat", "set/cat/1.png"]]);
  expect(await sorted(["cat/1.png"])).toEqual([["cat", "cat/1.png"]]);
});

test("hidden files, other types, loose and deeper images are ignored", async () => {
  const paths = [
    "cat/1.png",
    "cat/.DS_Store",
    "cat/notes.txt",
    "__MACOSX/cat/._1.png",
    ".git/cat/2.png",
    "cover.png",
    "cat/more/3.png",
  ];
  expect(await sorted(paths)).toEqual([["cat", "cat/1.png"]]);
});

describe("what is no labelled set is refused", () => {
  test.each([
    ["an empty class folder", ["cat/1.png"], ["cat", "dog"], /set\/dog: expected at least one image/],
    ["an empty class in an outer folder", ["s/cat/1.png", "s/dog/x.txt"], ["s", "s/cat", "s/dog"], /s\/dog/],
    ["nothing", [], [], /no folder inside/],
    ["no images", ["cat/readme.txt"], [], /1 files, no image/],
    ["loose images", ["1.png", "2.png"], [], /2 images that lie in no class folder/],
  ])("%s", async (_, paths, folders, message) => {
    await expect(sorted(paths, folders)).rejects.toThrow(message);
    await expect(sorted(paths, folders)).rejects.toBeInstanceOf(InputError);
  });
});

test("the fingerprint follows classes, names and sizes, not where the set lies", async () => {
  const of = async (paths: readonly string[], size = 1) => {
    const files = paths.map((path) => ({ path, size }));
    return (await sortIntoClasses({ name: "x", files, folders: [] })).fingerprint;
  };
  const plain = await of(["cat/1.png", "dog/1.png"]);
  expect(await of(["outer/dog/1.png", "outer/cat/1.png"])).toBe(plain);
  expect(await of(["cat/1.png", "dog/2.png"])).not.toBe(plain);
  expect(await of(["cat/1.png", "cow/1.png"])).not.toBe(plain);
  expect(await of(["cat/1.png", "dog/1.png"], 2)).not.toBe(plain);
});

test("images that need no labels may lie anywhere; hidden files and others do not count", async () => {
  const listed = await listUnlabelled(
    listing(["b/2.png", "1.jpg", "a/deep/er/3.webp", ".hidden/4.png", "__MACOSX/._1.jpg", "notes.txt"]),
  );
  expect(listed.classes).toEqual([UNLABELLED]);
  expect(listed.items.map(({ file }) => file.path)).toEqual(["1.jpg", "a/deep/er/3.webp", "b/2.png"]);
  await expect(listUnlabelled(listing(["notes.txt"]))).rejects.toThrow(
    /^set: expected at least one image \(.*\), got 1 files, no image\. Choose some images\.$/,
  );
});

test.each([
  ["as files", ["train/cat/1.png", "train/dog/1.png", "val/cat/1.png"], []],
  ["as folders", [], ["train", "val", "train/cat", "train/dog", "val/cat"]],
  ["in an outer folder", ["set/train/cat/1.png", "set/val/cat/1.png"], []],
])("splits above the classes are named, with what to take, listed %s", async (_, paths, folders) => {
  await expect(sorted(paths, folders)).rejects.toThrow(
    /got folders of folders: train, val\. Take one of them, e\.g\. set\/(set\/)?train\./,
  );
});
