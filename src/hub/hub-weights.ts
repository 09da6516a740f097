import type { RangedFile } from "../cache/ranged-file.ts";
import { missingRanges, totalBytes } from "../cache/ranges.ts";
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

/** The stage of a progress in which what has arrived is hashed. */
export const CHECKING = "Checking the file (bytes)";

/** What is to be fetched of a model. */
export interface WeightsPlan {
  /** Per file of the weights in their order, then per file of the tokenizer where that is to be fetched, too. */
  readonly files: readonly DownloadPlan[];
  readonly bytes: number;
  /** All weights will be here whole. */
  readonly isWhole: boolean;
  /** What it is, for the progress. */
  readonly what: "encoder" | "encoder and text tower" | "text tower";
}

/** The header of the weights, and per part of a model the ranges that it reads. */
export type Parts = readonly (readonly { readonly begin: number; readonly end: number }[])[];

/**
 * @param parts only of a single file, since shards are fetched whole: a part's sha256 cannot be checked, and no encoder of
 *   interest is sharded beside a text tower.
 * @param tokenizer files that are fetched beside the weights.
 */
export function planWeights(
  files: readonly RepositoryFile[],
  parts: Parts,
  tokenizer: readonly RepositoryFile[] = [],
): WeightsPlan {
  const [only] = files;
  const whole = ({ size }: RepositoryFile) => planDownload(size, [], true);
  const plans =
    only && files.length === 1 ? [planDownload(only.size, parts, only.sha256 === null)] : files.map(whole);
  const all = [...plans, ...tokenizer.map(whole)];
  return {
    files: all,
    bytes: sumOfBytes(all),
    isWhole: plans.every(({ isWhole }) => isWhole),
    what: tokenizer.length > 0 ? "encoder and text tower" : "encoder",
  };
}

/** What a plan with the text tower holds beyond that of the encoder. */
export function beyond(plan: WeightsPlan, encoder: WeightsPlan): WeightsPlan {
  const files = plan.files.map((file, i): DownloadPlan => {
    const ranges = file.ranges.flatMap((range) => missingRanges(range, encoder.files[i]?.ranges ?? []));
    return { ...file, ranges, bytes: totalBytes(ranges) };
  });
  return { ...plan, files, bytes: sumOfBytes(files), what: "text tower" };
}

const sumOfBytes = (files: readonly DownloadPlan[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Bytes of a plan that are here. @param files the files of the plan in its order, or more */
export function keptBytes(files: readonly RangedFile[], plan: WeightsPlan): number {
  return plan.files.reduce((sum, { ranges }, i) => sum + files[i]!.kept(ranges), 0);
}

/**
 * Fetches what is missing of a plan, with one progress over all files.
 * @throws InputError, CancelledError; what arrived is kept
 */
export async function fetchFiles(
  files: readonly RangedFile[],
  plan: WeightsPlan,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const done = plan.files.map(() => 0);
  // All at once, so that whatever the encoder reads first waits for its file instead of asking on its own.
  await Promise.all(
    plan.files.map((part, i) => {
      const tell = (bytes: number) => {
        done[i] = bytes;
        const sum = done.reduce((total, part) => total + part, 0);
        onProgress({ stage: `Downloading the ${plan.what} (bytes)`, done: sum, total: plan.bytes });
      };
      return download(files[i]!, part, tell, signal);
    }),
  );
}

/** Lower-case sha256 of each weights file, in their order, and of all their bytes together, by which a checkpoint is known. */
export interface WeightsDigests {
  readonly files: readonly string[];
  readonly all: string;
}

/**
 * Fetches what is missing of a plan and hashes the weights while they arrive. Of a single file that is fetched in part, the digest
 * is the one that the Hub states.
 * @param opened the files of the plan in its order, or more.
 * @param files the weights, as the repository lists them.
 * @throws InputError, CancelledError; what arrived is kept
 */
export async function fetchAndHash(
  opened: readonly RangedFile[],
  files: readonly RepositoryFile[],
  plan: WeightsPlan,
  onProgress: OnProgress,
  { signal, hasher }: Required<Pick<DigestOptions, "signal" | "hasher">>,
): Promise<WeightsDigests> {
  const [only] = files;
  if (!plan.isWhole && only?.sha256) {
    await fetchFiles(opened, plan, onProgress, signal);
    return { files: [only.sha256], all: only.sha256 };
  }
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let isHere = false;
  const fetching = fetchFiles(opened, plan, onProgress, either).then(() => {
    isHere = true;
  });
  // One progress at a time: what is left to hash is told when all has arrived.
  const tell = (done: number, total: number) => isHere && onProgress({ stage: CHECKING, done, total });
  const hashing = hashAll(opened.slice(0, files.length), { onProgress: tell, signal: either, hasher });
  try {
    const [digests] = await Promise.all([hashing, fetching]);
    return digests;
  } catch (error) {
    stop.abort();
    await Promise.allSettled([hashing, fetching]);
    throw error;
  }
}

/** Hashes weights that are here, or reads that wait for them. @throws InputError, CancelledError */
export async function hashAll(
  weights: readonly RangedFile[],
  options: DigestOptions,
): Promise<WeightsDigests> {
  const files: string[] = [];
  for (const file of weights) files.push(await sha256(file, options));
  // As of files from the disk: a checkpoint is known by the digest of all its bytes.
  return { files, all: files.length === 1 ? files[0]! : await sha256(weights, options) };
}

/**
 * @param remedy what became of the damaged bytes, and what to do
 * @throws InputError when a file's digest is not the one that the Hub states of it
 */
export function checkDigests(
  files: readonly RepositoryFile[],
  digests: readonly string[],
  remedy: string,
): void {
  for (const [i, { path, sha256: stated }] of files.entries()) {
    const digest = digests[i]!;
    if (stated === null || stated === digest) continue;
    throw new InputError(
      path,
      `sha256 ${stated.slice(0, 16)}..., as the Hub states it`,
      `${digest.slice(0, 16)}...`,
      `It was damaged on the way or by the mirror. ${remedy}`,
    );
  }
}
