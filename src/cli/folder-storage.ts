import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  isWanted,
  type ModelName,
  type ModelStorage,
  manifestSchema,
  type SavedManifest,
  type SavedModel,
  savedModel,
} from "../cache/model-storage.ts";
import type { Piece, PieceStore } from "../cache/piece-store.ts";
import { InputError } from "../errors/input-error.ts";
import { writeWhole } from "./write-file.ts";

/** The user's cache folder for models: XDG_CACHE_HOME (freedesktop.org), on Windows LOCALAPPDATA, else ~/.cache. */
export function modelCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const windows = process.platform === "win32" ? env.LOCALAPPDATA : undefined;
  return join(env.XDG_CACHE_HOME || windows || join(homedir(), ".cache"), "regscope", "models");
}

/** Models of the Hub in a folder: one folder a model and commit, in it a manifest and the pieces of each file. */
export function folderStorage(root: string): ModelStorage {
  const folderOf = (model: ModelName) => join(root, folderName(model));
  async function* kept() {
    for (const name of await namesIn(root)) {
      const manifest = await readManifest(join(root, name, MANIFEST));
      if (manifest) yield { manifest, store: folderStore(join(root, name)) };
    }
  }
  return {
    place: {
      name: root,
      remedy:
        "Delete models that were downloaded (`lab models --delete MODEL`) or free disk space, or name another cache folder in XDG_CACHE_HOME.",
    },
    async find(wanted) {
      for await (const model of kept()) if (isWanted(model.manifest, wanted)) return model;
      return null;
    },
    async list() {
      const saved: SavedModel[] = [];
      for await (const { manifest, store } of kept()) saved.push(await savedModel(manifest, store));
      return saved;
    },
    async open(model) {
      const folder = folderOf(model);
      return {
        store: folderStore(folder),
        write: (manifest) => replace(folder, MANIFEST, JSON.stringify(manifest)),
      };
    },
    delete: (model) => rm(folderOf(model), { recursive: true, force: true }),
    async freeBytes() {
      await makeFolder(root);
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}

const MANIFEST = "manifest.json";

/** Readable, and different for equal names of different servers. */
function folderName({ hub, id, commit }: ModelName): string {
  const server = createHash("sha256").update(hub).digest("hex").slice(0, 8);
  return `${id.replace("/", "--")}--${commit}--${server}`;
}

/** Pieces as files, each written under another name first, so that it is there whole or not at all. */
function folderStore(folder: string): PieceStore {
  return {
    async list() {
      return (await namesIn(folder)).flatMap((name) => parsePiece(name) ?? []);
    },
    async read(piece, from, to) {
      const handle = await open(join(folder, pieceName(piece)), "r").catch(() => null);
      if (!handle) return null;
      try {
        const bytes = new Uint8Array(to - from);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, from - piece.begin);
        return bytesRead === bytes.length ? bytes : null;
      } finally {
        await handle.close();
      }
    },
    write: (piece, bytes) => replace(folder, pieceName(piece), bytes),
    delete: (piece) => rm(join(folder, pieceName(piece)), { force: true }),
  };
}

const pieceName = ({ file, begin, end }: Piece) => `${encodeURIComponent(file)}.${begin}-${end}`;

function parsePiece(name: string): Piece | null {
  const [, file, begin, end] = /^(.+)\.(\d+)-(\d+)$/.exec(name) ?? [];
  return file === undefined
    ? null
    : { file: decodeURIComponent(file), begin: Number(begin), end: Number(end) };
}

/** Writes a file whole or not at all. @throws InputError when there is no room or no right to write */
async function replace(folder: string, name: string, content: Uint8Array | string): Promise<void> {
  await makeFolder(folder);
  await writeWhole(join(folder, name), content, notWritten);
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw notWritten(folder, error);
  });
}

function notWritten(path: string, error: unknown): InputError {
  return new InputError(
    path,
    "room for the model, in a folder that may be written to",
    error instanceof Error ? error.message : String(error),
    "Free disk space, or name another cache folder in XDG_CACHE_HOME; what was downloaded is kept.",
  );
}

/** Names in a folder; none when it is not there. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

/** Null when there is none or it is not one of ours: then the model is downloaded anew. */
async function readManifest(path: string): Promise<SavedManifest | null> {
  try {
    return manifestSchema.safeParse(JSON.parse(await readFile(path, "utf8"))).data ?? null;
  } catch {
    return null;
  }
}
