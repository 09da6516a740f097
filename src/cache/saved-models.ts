import { cacheStore, noRoom } from "./cache-store.ts";
import {
  isWanted,
  type ModelStorage,
  manifestSchema,
  type SavedManifest,
  type SavedModel,
  savedKey,
  savedModel,
} from "./model-storage.ts";
import { freeBytes } from "./storage-room.ts";

/** Bumped when what is written would be read otherwise. */
const PREFIX = "regscope-model-1 ";
const MANIFEST = "https://saved.invalid/manifest";

/** Whether this browser keeps models for this page: only on secure origins (https or this machine). */
export function canSave(): boolean {
  return typeof caches !== "undefined";
}

/** The browser's storage for models; null where it keeps none for this page. */
export function browserStorage(): ModelStorage | null {
  if (!canSave()) return null;
  return {
    place: {
      name: "Storage of the browser",
      remedy:
        "Delete saved models or free disk space, or download the files yourself and open them from your disk.",
    },
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
    list: listSaved,
    freeBytes,
  };
}

/** All models that are saved, whole or in part. */
export async function listSaved(): Promise<SavedModel[]> {
  const saved: SavedModel[] = [];
  for (const key of await keys()) {
    const cache = await caches.open(PREFIX + key);
    const manifest = await readManifest(cache);
    if (manifest) saved.push(await savedModel(manifest, cacheStore(cache)));
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

/** Null when there is none or it is not one of ours: then the model is downloaded anew. */
async function readManifest(cache: Cache): Promise<SavedManifest | null> {
  const found = await cache.match(MANIFEST);
  const json: unknown = await found?.json().catch(() => null);
  return manifestSchema.safeParse(json).data ?? null;
}
