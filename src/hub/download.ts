import type { RangedFile } from "../cache/ranged-file.ts";
import { type ByteRange, inOrderOfUse, mergeRanges, missingRanges, totalBytes } from "../cache/ranges.ts";

/** The bytes of a weights file that an encoder needs, in the order in which it is built; a whole file in its own order. */
export interface DownloadPlan {
  readonly ranges: readonly ByteRange[];
  readonly bytes: number;
  /** The ranges are the whole file, so that its sha256 can be checked. */
  readonly isWhole: boolean;
}

/** Bytes that the first request asks for: most headers are shorter, and a request costs more than the rest. */
export const FIRST_BYTES = 64 * 1024;
/** Unneeded bytes between needed ones that are fetched rather than skipped by another request. */
const GAP = 256 * 1024;
/** From this share on the whole file is fetched: the check of its sha256 is worth the rest. */
const NEARLY_WHOLE = 0.95;

/**
 * @param parts the header, and per part of the encoder what it reads.
 * @param wantsWhole fetch everything, e.g. where the Hub states no sha256 to know the file by.
 */
export function planDownload(
  size: number,
  parts: readonly (readonly ByteRange[])[],
  wantsWhole = false,
): DownloadPlan {
  const first = { begin: 0, end: Math.min(size, FIRST_BYTES) };
  const ranges = inOrderOfUse([[first], ...parts], GAP);
  const rest = missingRanges({ begin: 0, end: size }, ranges);
  const isWhole = wantsWhole || totalBytes(ranges) >= NEARLY_WHOLE * size;
  // A whole file comes from its beginning, so that its sha256 is computed while it arrives.
  const wanted = isWhole ? mergeRanges([...ranges, ...rest]) : ranges;
  return { ranges: wanted, bytes: totalBytes(wanted), isWhole };
}

/**
 * Fetches what is missing of a plan, in its order.
 * @param onProgress bytes that are here, and bytes in all.
 * @throws InputError, CancelledError; what arrived is kept
 */
export async function download(
  file: RangedFile,
  plan: DownloadPlan,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let done = file.kept(plan.ranges);
  onProgress(done, plan.bytes);
  await file.fetchAll(plan.ranges, signal, (count) => {
    done += count;
    onProgress(Math.min(done, plan.bytes), plan.bytes);
  });
  onProgress(plan.bytes, plan.bytes);
}
