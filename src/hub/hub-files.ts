import type { ModelStorage, SavedManifest } from "../cache/model-storage.ts";
import { memoryStore, type PieceStore } from "../cache/piece-store.ts";
import type { RangedFile } from "../cache/ranged-file.ts";
import { checkRoom } from "../cache/storage-room.ts";
import { createHasher, type DigestOptions, sha256 } from "../checkpoint/digest.ts";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { type ModelFiles, parseJson } from "../families/model-files.ts";
import { FIRST_BYTES } from "./download.ts";
import { hubFetch } from "./hub-fetch.ts";
import { type HubRef, refText } from "./hub-ref.ts";
import {
  CHECKING,
  checkDigests,
  fetchAndHash,
  fetchFiles,
  hashAll,
  keptBytes,
  type OnProgress,
  type Parts,
  planWeights,
  type WeightsDigests,
  type WeightsPlan,
} from "./hub-weights.ts";
import { openRepository, type Repository } from "./repository.ts";
import { RepositoryFiles } from "./repository-files.ts";
import { repositoryFileSet } from "./weights-files.ts";

/** Where a model of the Hub is asked for; with a commit, nothing but that commit is opened. */
export interface HubRequest extends HubRef {
  readonly commit?: string;
}

export interface FetchOptions extends Pick<DigestOptions, "hasher"> {
  /** There is `none`; of one that there is nothing, a `part`, or the `whole`. */
  readonly text?: "none" | "nothing" | "part" | "whole";
  /**
   * Takes the check of weights whose sha256 the Hub states, so that they can be used while it runs. By default, and of all
   * others, the weights are checked before `fetch` resolves.
   */
  readonly defer?: (check: WeightsCheck) => void;
}

/**
 * Holds weights that are here to the sha256 that the Hub states, and notes that they are right.
 * @throws InputError when they were damaged on the way: what is saved of them has been deleted; CancelledError
 */
export type WeightsCheck = (onProgress: OnProgress, signal: AbortSignal) => Promise<void>;

/** A model's files on the Hub or saved from there. */
export interface HubFiles extends ModelFiles {
  readonly repository: Repository;
  /** As it is saved now; null = nothing of it is. */
  readonly saved: SavedManifest | null;
  /** Whether the Hub states a sha256 of the weights. */
  readonly statesSha256: boolean;
  /** @param withTokenizer whether the files that only a text tower needs are wanted, too */
  plan(parts: Parts, withTokenizer?: boolean): WeightsPlan;
  /** Bytes of a plan that are here already. */
  kept(plan: WeightsPlan): number;
  /** @throws InputError when the browser has no room for what is missing of a plan */
  checkRoom(plan: WeightsPlan): Promise<void>;
  /**
   * Fetches the weights of a plan and checks them, or hands their check over; resolves with their sha256, as the Hub states it
   * or as it is.
   * @param options.text what of the text tower the plan brings, for what is said of it in the list of saved models
   */
  fetch(
    plan: WeightsPlan,
    onProgress: OnProgress,
    signal: AbortSignal,
    options?: FetchOptions,
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
  const located = await locate(request, storage, keeps, signal);
  const { repository, store } = located;
  let { saved } = located;
  const saves = keeps ? storage : null;
  const remember = async (complete: boolean, text: SavedManifest["text"]) => {
    if (!saves || (saved?.complete === complete && saved.text === text)) return;
    saved = { ...repository, files: [...repository.files], complete, text };
    await (await saves.open(repository)).write(saved);
  };
  const files = new RepositoryFiles(repository, store);
  const set = repositoryFileSet(repository);
  const weights = await Promise.all(set.weights.map(async ({ path }) => (await files.open(path))!));
  const tokenizer = repository.files.filter(({ path }) => TOKENIZER_FILES.includes(path));
  const all = [
    ...weights,
    ...(await Promise.all(tokenizer.map(async ({ path }) => (await files.open(path))!))),
  ];
  for (const file of weights) await file.ensure({ begin: 0, end: Math.min(file.size, FIRST_BYTES) }, signal);
  const json = async (file: { readonly path: string } | null | undefined) => {
    const text = file ? await files.text(file.path) : null;
    return file && text !== null ? parseJson(text, file.path) : null;
  };
  const lazy = (path: string) =>
    files.has(path) ? { text: async () => (await files.text(path)) ?? "" } : null;
  const missing = (plan: WeightsPlan) => plan.bytes - keptBytes(all, plan);
  return {
    repository,
    get saved() {
      return saved;
    },
    weights,
    index: await json(set.index),
    configs: {
      config: await json(set.configs.config),
      preprocessor: await json(set.configs.preprocessor),
      openClip: await json(set.configs.openClip),
    },
    registers: set.registers ? await files.open(set.registers.path) : null,
    text: {
      tokenizer: lazy(TOKENIZER_FILES[0]),
      tokenizerConfig: lazy(TOKENIZER_FILES[1]),
    },
    statesSha256: set.weights.every(({ sha256 }) => sha256 !== null),
    plan: (parts, withTokenizer = false) => planWeights(set.weights, parts, withTokenizer ? tokenizer : []),
    kept: (plan) => keptBytes(all, plan),

    async checkRoom(plan) {
      const needed = missing(plan);
      if (saves && needed > 0) checkRoom(needed, await saves.freeBytes(needed), saves.place);
    },

    async fetch(plan, onProgress, stop, { hasher = createHasher, text = "none", defer } = {}) {
      const [only] = set.weights;
      // What was checked before need not be hashed again.
      const wasChecked = saved?.complete && (text !== "whole" || saved.text === "whole");
      const isHere = set.weights.length === 1 && missing(plan) === 0;
      // An encoder that is here already is kept when what comes in addition is damaged.
      const before =
        saved?.complete && missing(plan) > 0 ? new Set(all.flatMap(({ pieces }) => pieces)) : null;
      const remedy = before ? ADDITION_DELETED : ALL_DELETED;
      // Said before it has arrived, so that it is wanted when the download goes on.
      await remember(saved?.complete ?? false, saidOfText(saved, text));
      if (wasChecked && isHere && only?.sha256) return only.sha256;
      const check = async ({ files }: Pick<WeightsDigests, "files">, signal: AbortSignal) => {
        try {
          checkDigests(set.weights, files, remedy);
          if (plan.files.length > weights.length) {
            const digestOf = (file: RangedFile) => sha256(file, { signal, hasher });
            checkDigests(tokenizer, await Promise.all(all.slice(weights.length).map(digestOf)), remedy);
          }
        } catch (error) {
          // Damaged bytes must not be resumed from.
          if (error instanceof CancelledError) throw error;
          if (before)
            for (const file of all) await file.discard(file.pieces.filter((piece) => !before.has(piece)));
          else await saves?.delete(repository);
          throw error;
        }
        await remember(true, text === "whole" ? "whole" : saidOfText(saved, text));
      };
      if (defer && plan.isWhole && weights.length === 1 && only?.sha256) {
        await fetchFiles(all, plan, onProgress, stop);
        defer(async (onCheck, signal) => {
          const tell = (done: number, total: number) => onCheck({ stage: CHECKING, done, total });
          await check(await hashAll(weights, { onProgress: tell, signal, hasher }), signal);
        });
        return only.sha256;
      }
      const digests = await fetchAndHash(all, set.weights, plan, onProgress, { signal: stop, hasher });
      await check(digests, stop);
      return digests.all;
    },

    release() {
      for (const file of weights) file.release();
    },
  };
}

const ALL_DELETED = "It has been deleted: download it again, or choose another mirror.";
// The Hub states a digest of the whole file only, so an encoder that came alone was never checked by it.
const ADDITION_DELETED =
  "What was downloaded now has been deleted; the image encoder stays. Download it again; should that fail, too, delete the saved model, or choose another mirror.";

/** Files that only a text tower needs. */
const TOKENIZER_FILES: readonly [string, string] = ["tokenizer.json", "tokenizer_config.json"];

/** What the manifest says of the text tower before a plan has arrived: what was once wanted or is here stays so. */
function saidOfText(
  saved: SavedManifest | null,
  text: Required<FetchOptions>["text"],
): SavedManifest["text"] {
  if (saved?.text === "whole" || text === "none") return saved?.text ?? "none";
  return text === "nothing" && saved?.text !== "wanted" ? "absent" : "wanted";
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
    // Without a network, what is saved of this revision is as good as can be had. It may be whole and not checked yet.
    const known = error instanceof InputError ? await storage?.find(ref) : null;
    if (!known) throw error;
    return { repository: known.manifest, saved: known.manifest, store: known.store };
  }
  const known = await storage?.find({ ...ref, commit: repository.commit });
  if (known) return { repository, saved: known.manifest, store: known.store };
  if (!keeps || !storage) return { repository, saved: null, store: memoryStore() };
  const { store, write } = await storage.open(repository);
  const saved = { ...repository, files: [...repository.files], complete: false, text: null };
  await write(saved);
  return { repository, saved, store };
}
