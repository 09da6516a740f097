import { unzipRaw, type ZipEntry } from "unzipit";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { InputError } from "../errors/input-error.ts";
import { checkFileSize } from "../image/inspect.ts";
import type { ListedFile, Listing } from "./class-folders.ts";

/** A file of an archive; its bytes are read from the archive only when they are asked for. */
export interface ZipFile extends ListedFile {
  /** Unpacked bytes. @throws InputError when they cannot be unpacked */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/** Compression methods that can be unpacked. */
const METHODS: Readonly<Record<number, string>> = { 0: "stored", 8: "deflate" };

/**
 * Lists a zip archive from its central directory (zip64 too); nothing else of it is read, so an archive of many
 * thousand images costs no more memory than its list of names. unzipit reads by offset.
 * @throws InputError when it is no zip archive, or an entry is encrypted or compressed in another way
 */
export async function listZip(source: ByteSource): Promise<Listing<ZipFile>> {
  const reader = {
    getLength: async () => source.size,
    read: async (offset: number, size: number) =>
      (await source.read(offset, offset + size)) as Uint8Array<ArrayBuffer>,
  };
  let entries: readonly ZipEntry[];
  try {
    ({ entries } = await unzipRaw(reader));
  } catch (cause) {
    throw notZip(source.name, cause);
  }
  const encrypted = entries.find((entry) => entry.encrypted);
  if (encrypted) {
    throw new InputError(
      source.name,
      "a zip archive without a password",
      `"${encrypted.name}", which is encrypted`,
      "Unpack it with its password and choose the folder, or pack it again without one.",
    );
  }
  const odd = entries.find((entry) => !entry.isDirectory && !(entry.compressionMethod in METHODS));
  if (odd) {
    throw new InputError(
      source.name,
      "entries that are stored or deflated",
      `"${odd.name}" with compression method ${odd.compressionMethod}`,
      "Pack it again with ordinary zip compression.",
    );
  }
  return {
    name: source.name,
    files: entries
      .filter((entry) => !entry.isDirectory)
      .map((entry) => ({ path: slashes(entry.name), size: entry.size, read: () => unpack(source, entry) })),
    folders: entries
      .filter((entry) => entry.isDirectory)
      .map((entry) => slashes(entry.name).replace(/\/+$/, "")),
  };
}

async function unpack(source: ByteSource, entry: ZipEntry): Promise<Uint8Array<ArrayBuffer>> {
  // Before anything is unpacked: a small entry may claim gigabytes.
  checkFileSize(entry.size, entry.name);
  try {
    return new Uint8Array(await entry.arrayBuffer());
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      `${source.name}, ${entry.name}`,
      "an entry that can be unpacked",
      cause instanceof Error ? cause.message : String(cause),
      "The archive may be damaged: pack or download it again.",
    );
  }
}

function notZip(name: string, cause: unknown): InputError {
  if (cause instanceof InputError) return cause;
  const got = cause instanceof Error ? cause.message : String(cause);
  const remedy = "The file may be incomplete: pack or download it again.";
  return new InputError(name, "a zip archive", got, remedy);
}

/** Some Windows tools write "\" between the parts of a path, against the format. */
const slashes = (path: string) => path.replaceAll("\\", "/").replace(/^\/+/, "");
