import { cacheStore, noRoom } from "./cache-store.ts";
import {
  isWanted,
  type ModelName,
  type ModelStorage,
  manifestSchema,
  type SavedManifest,
} from "./model-storage.ts";
import type { PieceStore } from "./piece-store.ts";
import { mergeRanges, totalBytes } from "./ranges.ts";
import { freeBytes } from "./storage-room.ts";

/** A model in the browser's storage, whole or in part. */
export interface SavedModel extends Omit<SavedManifest, "files"> {
  /** Names it in {@link deleteSaved}. */
  readonly key: string;
  /** Bytes that it takes. */
  readonly bytes: number;
}

/** Bumped when what is written would be read otherwise. */
const PREFIX = "regscope-model-1 ";
const MANIFEST = "https://saved.invalid/manifest";

/** Names a saved model. */
const savedKey = ({ hub, id, commit }: ModelName) => `${hub} ${id} ${commit}`;

/** Whether this browser keeps models for this page: only on secure origins (https or this machine). */
export function canSave(): boolean {
  return typeof caches !== "undefined";
}

/** The browser's storage for models; null where it keeps none for this page. */
export function browserStorage(): ModelStorage | null {
  if (!canSave()) return null;
  return {
    async find(wanted) {
      for (const key of await keys()) {
        const cache = await caches.open(PREFIX + key);
        const manifest = await readManifest(cache);
        if (manifest && isWanted(manifest, wanted)) return { manifest, store: cacheStore(cache) };
      }
      return null;
    },
    async open(model) {
      const cache = await caches.open(PREFIX + savedKey(model)).catch((error: unknown) => {
        throw noRoom(error);
      });
      return {
        store: cacheStore(cache),
        async write(manifest) {
          await cache.put(MANIFEST, new Response(JSON.stringify(manifest))).catch((error: unknown) => {
            throw noRoom(error);
          });
        },
      };
    },
    delete: (model) => deleteSaved(savedKey(model)),
    freeBytes,
  };
}

/** All models that are saved, whole or in part. */
export async function listSaved(): Promise<SavedModel[]> {
  const saved: SavedModel[] = [];
  for (const key of await keys()) {
    const cache = await caches.open(PREFIX + key);
    const manifest = await readManifest(cache);
    if (!manifest) continue;
    const { files: _, ...rest } = manifest;
    saved.push({ ...rest, key, bytes: await bytesIn(cacheStore(cache)) });
  }
  return saved;
}

/** Deletes a saved model. A model in use stays usable as far as its weights are in memory. */
export async function deleteSaved(key: string): Promise<void> {
  await caches.delete(PREFIX + key);
}

async function keys(): Promise<string[]> {
  if (!canSave()) return [];
  return (await caches.keys()).flatMap((name) =>
    name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [],
  );
}

async function bytesIn(store: PieceStore): Promise<number> {
  const pieces = await store.list();
  return [...new Set(pieces.map(({ file }) => file))].reduce(
    (sum, file) => sum + totalBytes(mergeRanges(pieces.filter((piece) => piece.file === file))),
    0,
  );
}

/** Null when there is none or it is not one of ours: then the model is downloaded anew. */
async function readManifest(cache: Cache): Promise<SavedManifest | null> {
  const found = await cache.match(MANIFEST);
  const json: unknown = await found?.json().catch(() => null);
  return manifestSchema.safeParse(json).data ?? null;
}
