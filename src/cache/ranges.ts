/** Bytes [begin, end). */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** Sorted, without overlaps, touching ranges joined; gaps of at most `gap` bytes are filled. */
export function mergeRanges(ranges: readonly ByteRange[], gap = 0): ByteRange[] {
  const merged: { begin: number; end: number }[] = [];
  for (const { begin, end } of [...ranges].sort((a, b) => a.begin - b.begin)) {
    const last = merged[merged.length - 1];
    if (end <= begin) continue;
    if (last && begin <= last.end + gap) last.end = Math.max(last.end, end);
    else merged.push({ begin, end });
  }
  return merged;
}

/** The parts of `range` that none of `covered` holds, in order. */
export function missingRanges(range: ByteRange, covered: readonly ByteRange[]): ByteRange[] {
  const missing: ByteRange[] = [];
  let at = range.begin;
  for (const { begin, end } of mergeRanges(covered)) {
    if (end <= at) continue;
    if (begin >= range.end) break;
    if (begin > at) missing.push({ begin: at, end: begin });
    at = end;
  }
  if (at < range.end) missing.push({ begin: at, end: range.end });
  return missing;
}

/** Bytes in ranges without overlaps. */
export function totalBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
}

/**
 * Ranges in an order of use -> the same bytes, each once, in that order; neighbours are joined.
 * @param gap bytes that are read for nothing rather than in a request of their own.
 */
export function inOrderOfUse(parts: readonly (readonly ByteRange[])[], gap: number): ByteRange[] {
  const ordered: ByteRange[] = [];
  for (const part of parts) {
    for (const range of mergeRanges(part, gap)) ordered.push(...missingRanges(range, ordered));
  }
  return ordered;
}
