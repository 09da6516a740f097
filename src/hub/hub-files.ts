import type { ModelStorage, SavedManifest } from "../cache/model-storage.ts";
import { memoryStore, type PieceStore } from "../cache/piece-store.ts";
import { checkRoom } from "../cache/storage-room.ts";
import { createHasher, type DigestOptions } from "../checkpoint/digest.ts";
import type { TensorEntry } from "../checkpoint/header.ts";
import { InputError } from "../errors/input-error.ts";
import { type ModelFiles, parseJson } from "../families/model-files.ts";
import { FIRST_BYTES } from "./download.ts";
import { hubFetch } from "./hub-fetch.ts";
import { type HubRef, refText } from "./hub-ref.ts";
import {
  checkDigests,
  fetchAndHash,
  keptBytes,
  type OnProgress,
  planWeights,
  type WeightsPlan,
} from "./hub-weights.ts";
import { openRepository, type Repository } from "./repository.ts";
import { RepositoryFiles } from "./repository-files.ts";
import { repositoryFileSet } from "./weights-files.ts";

/** Where a model of the Hub is asked for; with a commit, nothing but that commit is opened. */
export interface HubRequest extends HubRef {
  readonly commit?: string;
}

/** A model's files on the Hub or saved from there. */
export interface HubFiles extends ModelFiles {
  readonly repository: Repository;
  /** Null = nothing of it is saved yet. */
  readonly saved: SavedManifest | null;
  /** Whether the Hub states a sha256 of the weights. */
  readonly statesSha256: boolean;
  /** @param parts per part of the encoder, the tensors that it reads. */
  plan(parts: readonly (readonly TensorEntry[])[]): WeightsPlan;
  /** Bytes of a plan that are here already. */
  kept(plan: WeightsPlan): number;
  /** @throws InputError when the browser has no room for what is missing of a plan */
  checkRoom(plan: WeightsPlan): Promise<void>;
  /** Fetches the weights of a plan and checks them; resolves with their sha256, as the Hub states it or as it is. */
  fetch(
    plan: WeightsPlan,
    onProgress: OnProgress,
    signal: AbortSignal,
    hasher?: DigestOptions["hasher"],
  ): Promise<string>;
  /** To be called when the encoder is built: gives up the memory that made reading fast. */
  release(): void;
}

/**
 * Opens the files of a model without fetching its weights. What is saved opens without a network.
 * @param storage where models are kept; null = nowhere.
 * @param keeps whether what is read shall be saved; a mere look at a model leaves nothing behind.
 * @throws InputError, CancelledError
 */
export async function openHubFiles(
  request: HubRequest,
  storage: ModelStorage | null,
  keeps: boolean,
  signal: AbortSignal,
): Promise<HubFiles> {
  const { repository, saved, store } = await locate(request, storage, keeps, signal);
  const saves = keeps ? storage : null;
  const files = new RepositoryFiles(repository, store);
  const set = repositoryFileSet(repository);
  const weights = await Promise.all(set.weights.map(async ({ path }) => (await files.open(path))!));
  for (const file of weights) await file.ensure({ begin: 0, end: Math.min(file.size, FIRST_BYTES) }, signal);
  const json = async (file: { readonly path: string } | null | undefined) => {
    const text = file ? await files.text(file.path) : null;
    return file && text !== null ? parseJson(text, file.path) : null;
  };
  const lazy = (path: string) =>
    files.has(path) ? { text: async () => (await files.text(path)) ?? "" } : null;
  const missing = (plan: WeightsPlan) => plan.bytes - keptBytes(weights, plan);
  return {
    repository,
    saved,
    weights,
    index: await json(set.index),
    configs: {
      config: await json(set.configs.config),
      preprocessor: await json(set.configs.preprocessor),
      openClip: await json(set.configs.openClip),
    },
    registers: set.registers ? await files.open(set.registers.path) : null,
    text: {
      tokenizer: lazy("tokenizer.json"),
      tokenizerConfig: lazy("tokenizer_config.json"),
    },
    statesSha256: set.weights.every(({ sha256 }) => sha256 !== null),
    plan: (parts) => planWeights(set.weights, parts),
    kept: (plan) => keptBytes(weights, plan),

    async checkRoom(plan) {
      const needed = missing(plan);
      if (saves && needed > 0) checkRoom(needed, await saves.freeBytes(needed));
    },

    async fetch(plan, onProgress, stop, hasher = createHasher) {
      const [only] = set.weights;
      // What was checked before need not be hashed again.
      const isKnown = saved?.complete && set.weights.length === 1 && missing(plan) === 0;
      if (isKnown && only?.sha256) return only.sha256;
      const digests = await fetchAndHash(weights, set.weights, plan, onProgress, { signal: stop, hasher });
      try {
        checkDigests(set.weights, digests);
      } catch (error) {
        // Damaged bytes must not be resumed from.
        await saves?.delete(repository);
        throw error;
      }
      if (saves) {
        const { write } = await saves.open(repository);
        await write({ ...repository, files: [...repository.files], complete: true });
      }
      return digests.all;
    },

    release() {
      for (const file of weights) file.release();
    },
  };
}

/** The repository at one commit, and where its pieces are kept. */
async function locate(
  { commit: asked, ...ref }: HubRequest,
  storage: ModelStorage | null,
  keeps: boolean,
  signal: AbortSignal,
): Promise<{ repository: Repository; saved: SavedManifest | null; store: PieceStore }> {
  // A revision that is a commit cannot move, so it need not be asked for.
  const commit = asked ?? (/^[0-9a-f]{40}$/.test(ref.revision) ? ref.revision : undefined);
  const pinned = commit === undefined ? null : await storage?.find({ ...ref, commit });
  if (pinned) return { repository: pinned.manifest, saved: pinned.manifest, store: pinned.store };
  let repository: Repository;
  try {
    const at = { ...ref, revision: commit ?? ref.revision };
    const found = await openRepository(at, hubFetch({ subject: refText(ref), signal }));
    repository = { ...found, revision: ref.revision };
  } catch (error) {
    // Without a network, what is saved of this revision is as good as can be had.
    const known = error instanceof InputError ? await storage?.find(ref) : null;
    if (!known?.manifest.complete) throw error;
    return { repository: known.manifest, saved: known.manifest, store: known.store };
  }
  const known = await storage?.find({ ...ref, commit: repository.commit });
  if (known) return { repository, saved: known.manifest, store: known.store };
  if (!keeps || !storage) return { repository, saved: null, store: memoryStore() };
  const { store, write } = await storage.open(repository);
  await write({ ...repository, files: [...repository.files], complete: false });
  return { repository, saved: null, store };
}
