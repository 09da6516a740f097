import type { RgbaImage } from "../image/rgba-image.ts";
import {
  type ClassFolders,
  type ListedFile,
  type Listing,
  listUnlabelled,
  sortIntoClasses,
} from "./class-folders.ts";
import type { ImageFile, LabelledSet } from "./dataset.ts";

/** A listed file that can be fetched. */
export interface ReadableFile extends ListedFile {
  blob(): Promise<Blob>;
}

/**
 * A labelled set of class-named folders, wherever the files come from. Only the list is held; each image is read when
 * it is asked for.
 * @param decode an image file -> RGBA, in this thread
 * @throws InputError as {@link sortIntoClasses}
 */
export async function openFileSet(
  listing: Listing<ReadableFile>,
  decode: (file: ImageFile) => Promise<RgbaImage>,
): Promise<LabelledSet> {
  return setOf(listing.name, await sortIntoClasses(listing), decode);
}

/**
 * All images of a listing, in whatever folders: one nameless class, for what needs no labels.
 * @throws InputError when there are none
 */
export async function openUnlabelledFiles(
  listing: Listing<ReadableFile>,
  decode: (file: ImageFile) => Promise<RgbaImage>,
): Promise<LabelledSet> {
  return setOf(listing.name, await listUnlabelled(listing), decode);
}

function setOf(
  name: string,
  { classes, items, fingerprint }: ClassFolders<ReadableFile>,
  decode: (file: ImageFile) => Promise<RgbaImage>,
): LabelledSet {
  const encoded = async (i: number): Promise<ImageFile> => {
    const { file } = items[i]!;
    return { name: `${name}/${file.path}`, blob: await file.blob() };
  };
  return {
    name,
    classes,
    count: items.length,
    fingerprint,
    label: (i) => items[i]!.label,
    id: (i) => `${fingerprint}/${items[i]!.file.path}`,
    encoded,
    image: async (i) => decode(await encoded(i)),
  };
}
