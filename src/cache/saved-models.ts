import { z } from "zod";
import { cacheStore, noRoom } from "./cache-store.ts";
import type { PieceStore } from "./piece-store.ts";
import { mergeRanges, totalBytes } from "./ranges.ts";

/** What is written beside a model's pieces, so that it can be opened without a network. */
const manifestSchema = z.object({
  hub: z.string(),
  id: z.string(),
  revision: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  licence: z.string().nullable(),
  gated: z.boolean(),
  files: z.array(z.object({ path: z.string(), size: z.int().nonnegative(), sha256: z.string().nullable() })),
  /** The encoder is here whole, and was checked as far as it can be. */
  complete: z.boolean(),
});

/** A repository at a commit, and whether its encoder is here. */
export type SavedManifest = z.infer<typeof manifestSchema>;

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

type ModelName = Pick<SavedManifest, "hub" | "id" | "commit">;

/** Names a saved model. */
export const savedKey = ({ hub, id, commit }: ModelName) => `${hub} ${id} ${commit}`;

/** Whether this browser keeps models for this page: only on secure origins (https or this machine). */
export function canSave(): boolean {
  return typeof caches !== "undefined";
}

/** Where the pieces of a model go; made when there is none. */
export async function openSaved(
  model: ModelName,
): Promise<{ store: PieceStore; write(manifest: SavedManifest): Promise<void> }> {
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
}

/** The pieces of a model that is saved, whole or in part; null when nothing of it is. */
export async function findSaved(
  wanted: Pick<SavedManifest, "hub" | "id"> & {
    readonly commit?: string | undefined;
    readonly revision: string;
  },
): Promise<{ manifest: SavedManifest; store: PieceStore } | null> {
  for (const key of await keys()) {
    const cache = await caches.open(PREFIX + key);
    const manifest = await readManifest(cache);
    if (!manifest || manifest.hub !== wanted.hub || manifest.id !== wanted.id) continue;
    const isWanted =
      wanted.commit === undefined
        ? wanted.revision === manifest.revision || wanted.revision === manifest.commit
        : wanted.commit === manifest.commit;
    if (isWanted) return { manifest, store: cacheStore(cache) };
  }
  return null;
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
