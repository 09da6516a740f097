import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ascending } from "d3-array";
import { InputError } from "../errors/input-error.ts";
import { type ListedFile, type Listing, sortIntoClasses } from "../evaluate/class-folders.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { decodeImage } from "./decode.ts";
import { readBytes } from "./read-file.ts";

const IMAGE = /\.(jpe?g|png|webp|avif|gif|bmp)$/i;
const FORM = "a folder that holds one folder of images per class";

/**
 * A labelled set from disk: a folder of class-named folders ({@link sortIntoClasses} says how they are read).
 * @throws InputError when the folder cannot be read, holds no folders, or a class holds no images
 */
export async function openFolderSet(folder: string): Promise<LabelledSet> {
  const { classes, items, fingerprint } = await sortIntoClasses(await listClassFolders(folder));
  const path = (i: number) => join(folder, items[i]!.file.path);
  return {
    name: basename(resolve(folder)),
    classes,
    count: items.length,
    fingerprint,
    label: (i) => items[i]!.label,
    id: path,
    image: (i) => readImage(path(i)),
    encoded: async (i) => ({
      name: path(i),
      blob: new Blob([(await readBytes(path(i), "an image file")) as Uint8Array<ArrayBuffer>]),
    }),
  };
}

/** A folder's own folders and their images, and the folders in them, which hold no class of their own. */
async function listClassFolders(folder: string): Promise<Listing<ListedFile>> {
  const { folders } = await list(folder);
  const files: ListedFile[] = [];
  const deeper: string[] = [];
  for (const name of folders) {
    const { images, folders: inside } = await list(join(folder, name));
    for (const below of inside) deeper.push(`${name}/${below}`);
    for (const image of images) files.push({ path: `${name}/${image.name}`, size: image.size });
  }
  return { name: folder, files, folders: [...folders, ...deeper] };
}

/**
 * Paths of the images of a folder: those that lie in it, or, when there are none, those of its class-named
 * folders. Sorted.
 * @throws InputError when there are no images
 */
export async function listImages(folder: string): Promise<string[]> {
  const { images } = await list(folder);
  if (images.length > 0) return images.map(({ name }) => join(folder, name));
  const set = await openFolderSet(folder);
  return Array.from({ length: set.count }, (_, i) => set.id(i));
}

/** Reads and decodes one image file; rejects with an InputError. */
export async function readImage(path: string) {
  return decodeImage(await readBytes(path, "an image file"), path);
}

/** What a folder holds; sizes in bytes. An image that cannot be read is still listed, for whoever reads it to skip and count. */
async function list(
  folder: string,
): Promise<{ folders: string[]; images: { readonly name: string; readonly size: number }[] }> {
  try {
    const folders: string[] = [];
    const images: { name: string; size: number }[] = [];
    for (const name of (await readdir(folder)).sort(ascending)) {
      if (name.startsWith(".")) continue;
      const isImage = IMAGE.test(name);
      // stat, not the entry's own type: it follows symbolic links, which image sets are often made of.
      const found = await stat(join(folder, name)).catch((error: unknown) => {
        if (isImage || leadsNowhere(error)) return null;
        throw error;
      });
      if (found?.isDirectory()) folders.push(name);
      else if (isImage) images.push({ name, size: found?.size ?? 0 });
    }
    return { folders, images };
  } catch (error) {
    throw new InputError(folder, FORM, reason(error), "Check the path.");
  }
}

/** Whether `stat` failed on a link without a target, one that leads to itself, or a file that went since it was listed. */
function leadsNowhere(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
