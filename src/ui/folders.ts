import { InputError } from "../errors/input-error.ts";
import type { Folder } from "../store/lab.ts";

/**
 * The files of a chosen folder (an input with `webkitdirectory`); null for none. Empty folders are not among what a
 * browser gives here.
 */
export function chosenFolder(files: FileList | null): Folder | null {
  const list = [...(files ?? [])];
  const [name = ""] = list[0]?.webkitRelativePath.split("/") ?? [];
  if (list.length === 0) return null;
  return {
    name,
    files: list.map((file) => ({ path: file.webkitRelativePath.slice(name.length + 1), file })),
    folders: [],
  };
}

/** The first folder among what was dropped, with all that lies in it; null when only files were. */
export function droppedFolder(transfer: DataTransfer | null): Promise<Folder> | null {
  // Entries exist only while the event is handled, so they are taken before anything is awaited.
  const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
  const root = entries.find((entry) => entry?.isDirectory) as FileSystemDirectoryEntry | undefined;
  return root ? listFolder(root) : null;
}

async function listFolder(root: FileSystemDirectoryEntry): Promise<Folder> {
  const files: { path: string; file: File }[] = [];
  const folders: string[] = [];
  const inside = (entry: FileSystemEntry) => entry.fullPath.slice(root.fullPath.length + 1);
  const pending = [root];
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    if (folder !== root) folders.push(inside(folder));
    const reader = folder.createReader();
    // A reader hands out its entries in batches, the last of which is empty.
    for (let batch = await readBatch(reader); batch.length > 0; batch = await readBatch(reader)) {
      const found = batch.filter((entry) => entry.isFile) as FileSystemFileEntry[];
      pending.push(...(batch.filter((entry) => entry.isDirectory) as FileSystemDirectoryEntry[]));
      const opened = await Promise.all(found.map((entry) => openFile(entry)));
      files.push(...opened.map((file, i) => ({ path: inside(found[i]!), file })));
    }
  }
  return { name: root.name, files, folders };
}

function readBatch(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, (cause) => reject(unreadable(cause))));
}

function openFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, (cause) => reject(unreadable(cause, entry))));
}

function unreadable(cause: Error, entry?: FileSystemEntry): InputError {
  const remedy = "Check its permissions, or choose the folder with the button.";
  return new InputError(entry?.fullPath ?? "The folder", "a readable file or folder", cause.message, remedy);
}
