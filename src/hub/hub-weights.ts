import type { RangedFile } from "../cache/ranged-file.ts";
import { type DigestOptions, sha256 } from "../checkpoint/digest.ts";
import { InputError } from "../errors/input-error.ts";
import { type DownloadPlan, download, planDownload } from "./download.ts";
import type { RepositoryFile } from "./repository.ts";

/** Told what is done of a stage, in bytes. */
export type OnProgress = (progress: {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}) => void;

/** What of the weights is to be fetched, per file in their order. */
export interface WeightsPlan {
  readonly files: readonly DownloadPlan[];
  readonly bytes: number;
  /** All files are fetched whole. */
  readonly isWhole: boolean;
}

/**
 * @param parts per part of the encoder, the ranges that it reads; only of a single file, since shards are fetched whole: a part's
 *   sha256 cannot be checked, and no encoder of interest is sharded beside a text tower.
 */
export function planWeights(
  files: readonly RepositoryFile[],
  parts: readonly (readonly { readonly begin: number; readonly end: number }[])[],
): WeightsPlan {
  const [only] = files;
  const plans =
    only && files.length === 1
      ? [planDownload(only.size, parts, only.sha256 === null)]
      : files.map(({ size }) => planDownload(size, [], true));
  const bytes = plans.reduce((sum, plan) => sum + plan.bytes, 0);
  return { files: plans, bytes, isWhole: plans.every(({ isWhole }) => isWhole) };
}

/** Bytes of a plan that are here. */
export function keptBytes(weights: readonly RangedFile[], plan: WeightsPlan): number {
  return weights.reduce((sum, file, i) => sum + file.kept(plan.files[i]!.ranges), 0);
}

/**
 * Fetches what is missing of a plan, with one progress over all files.
 * @throws InputError, CancelledError; what arrived is kept
 */
async function fetchWeights(
  weights: readonly RangedFile[],
  plan: WeightsPlan,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const done = weights.map(() => 0);
  // All at once, so that whatever the encoder reads first waits for its file instead of asking on its own.
  await Promise.all(
    weights.map((file, i) => {
      const tell = (bytes: number) => {
        done[i] = bytes;
        const sum = done.reduce((total, part) => total + part, 0);
        onProgress({ stage: "Downloading the encoder (bytes)", done: sum, total: plan.bytes });
      };
      return download(file, plan.files[i]!, tell, signal);
    }),
  );
}

/** Lower-case sha256 of each weights file, in their order, and of all their bytes together, by which a checkpoint is known. */
export interface WeightsDigests {
  readonly files: readonly string[];
  readonly all: string;
}

/**
 * Fetches what is missing of a plan and hashes it while it arrives. Of a single file that is fetched in part, the digest is the
 * one that the Hub states.
 * @throws InputError, CancelledError; what arrived is kept
 */
export async function fetchAndHash(
  weights: readonly RangedFile[],
  files: readonly RepositoryFile[],
  plan: WeightsPlan,
  onProgress: OnProgress,
  { signal, hasher }: Required<Pick<DigestOptions, "signal" | "hasher">>,
): Promise<WeightsDigests> {
  const [only] = files;
  if (!plan.isWhole && only?.sha256) {
    await fetchWeights(weights, plan, onProgress, signal);
    return { files: [only.sha256], all: only.sha256 };
  }
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let isHere = false;
  const fetching = fetchWeights(weights, plan, onProgress, either).then(() => {
    isHere = true;
  });
  // One progress at a time: what is left to hash is told when all has arrived.
  const tell = (done: number, total: number) =>
    isHere && onProgress({ stage: "Checking the file (bytes)", done, total });
  const hashing = hashAll(weights, { onProgress: tell, signal: either, hasher });
  try {
    const [digests] = await Promise.all([hashing, fetching]);
    return digests;
  } catch (error) {
    stop.abort();
    await Promise.allSettled([hashing, fetching]);
    throw error;
  }
}

async function hashAll(weights: readonly RangedFile[], options: DigestOptions): Promise<WeightsDigests> {
  const files: string[] = [];
  for (const file of weights) files.push(await sha256(file, options));
  // As of files from the disk: a checkpoint is known by the digest of all its bytes.
  return { files, all: files.length === 1 ? files[0]! : await sha256(weights, options) };
}

/** @throws InputError when a file's digest is not the one that the Hub states of it */
export function checkDigests(files: readonly RepositoryFile[], digests: WeightsDigests): void {
  for (const [i, { path, sha256: stated }] of files.entries()) {
    const digest = digests.files[i]!;
    if (stated === null || stated === digest) continue;
    throw new InputError(
      path,
      `sha256 ${stated.slice(0, 16)}..., as the Hub states it`,
      `${digest.slice(0, 16)}...`,
      "It was damaged on the way or by the mirror and has been deleted: download it again, or choose another mirror.",
    );
  }
}
