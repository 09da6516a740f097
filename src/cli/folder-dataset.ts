import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ascending } from "d3-array";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { decodeImage } from "./decode.ts";
import { readBytes } from "./read-file.ts";

const IMAGE = /\.(jpe?g|png|webp|avif|gif|bmp)$/i;
const FORM = "a folder that holds one folder of images per class";

/**
 * A labelled set from disk: a folder of class-named folders. Classes are sorted by name and images by file
 * name (by code unit, so the order is the same everywhere); hidden files and other file types are ignored.
 * @throws InputError when the folder cannot be read, holds no folders, or a class holds no images
 */
export async function openFolderSet(folder: string): Promise<LabelledSet> {
  const classes = (await list(folder)).folders;
  if (classes.length === 0) {
    throw new InputError(folder, FORM, "no folder inside", "Sort the images into one folder per class.");
  }
  const items: { path: string; label: number }[] = [];
  for (const [label, name] of classes.entries()) {
    const files = (await list(join(folder, name))).images;
    if (files.length === 0) {
      throw new InputError(
        join(folder, name),
        "at least one image (.jpg, .png, .webp, .avif, .gif, .bmp)",
        "an empty class folder",
        "Add images of that class, or remove the folder.",
      );
    }
    items.push(...files.map((file) => ({ path: join(folder, name, file), label })));
  }
  return {
    name: basename(resolve(folder)),
    classes,
    count: items.length,
    label: (i) => items[i]!.label,
    id: (i) => items[i]!.path,
    image: (i) => readImage(items[i]!.path),
  };
}

/**
 * Paths of the images of a folder: those that lie in it, or, when there are none, those of its class-named
 * folders. Sorted.
 * @throws InputError when there are no images
 */
export async function listImages(folder: string): Promise<string[]> {
  const { images } = await list(folder);
  if (images.length > 0) return images.map((file) => join(folder, file));
  const set = await openFolderSet(folder);
  return Array.from({ length: set.count }, (_, i) => set.id(i));
}

/** Reads and decodes one image file; rejects with an InputError. */
export async function readImage(path: string) {
  return decodeImage(await readBytes(path, "an image file"), path);
}

async function list(folder: string): Promise<{ folders: string[]; images: string[] }> {
  try {
    const folders: string[] = [];
    const images: string[] = [];
    for (const name of (await readdir(folder)).sort(ascending)) {
      if (name.startsWith(".")) continue;
      // stat, not the entry's own type: it follows symbolic links, which image sets are often made of.
      if ((await stat(join(folder, name))).isDirectory()) folders.push(name);
      else if (IMAGE.test(name)) images.push(name);
    }
    return { folders, images };
  } catch (error) {
    throw new InputError(folder, FORM, reason(error), "Check the path.");
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
