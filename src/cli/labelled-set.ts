import { basename } from "node:path";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { openFileSet } from "../evaluate/file-dataset.ts";
import { listZip } from "../evaluate/zip-files.ts";
import { decodeImage } from "./decode.ts";
import { fileSource } from "./file-source.ts";
import { openFolderSet } from "./folder-dataset.ts";

/** Whether a path names an archive. */
export const isZip = (path: string): boolean => /\.zip$/i.test(path);

/**
 * A labelled set from disk: a folder of class-named folders, or a zip of them. The archive stays open while the program runs.
 * @throws InputError when it is no labelled set
 */
export async function openLabelledSet(path: string): Promise<LabelledSet> {
  if (!isZip(path)) return openFolderSet(path);
  const listing = await listZip(await fileSource(path));
  const files = listing.files.map((file) => ({ ...file, blob: async () => new Blob([await file.read()]) }));
  return openFileSet({ name: basename(path), folders: listing.folders, files }, async ({ name, blob }) =>
    decodeImage(new Uint8Array(await blob.arrayBuffer()), name),
  );
}
