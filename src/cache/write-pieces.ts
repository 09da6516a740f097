import { InputError } from "../errors/input-error.ts";
import type { Piece } from "./piece-store.ts";

/** Bytes after which a piece is written: what a lost page or worker loses at most. */
const PIECE = 4 * 1024 * 1024;
/** Pieces that are being written at once: writing goes on while the next bytes arrive. */
const MOST_WRITES = 4;

/** Keeps a piece. */
export type WritePiece = (piece: Piece, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/**
 * Writes a stream of bytes of a file piece by piece.
 * @param extent bytes that the stream brings at most
 * @param options.onBytes called with every count of bytes that arrives
 * @returns bytes kept; fewer than asked for when the stream ended early or was aborted
 * @throws Cut when the stream failed; InputError when it brings more; what `write` throws
 */
export async function writePieces(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  { file, begin, end }: Piece,
  write: WritePiece,
  {
    signal,
    onBytes,
  }: { readonly signal: AbortSignal | undefined; readonly onBytes: (count: number) => void },
): Promise<number> {
  const reader = stream.getReader();
  const nextPiece = () => new Uint8Array(Math.min(PIECE, end - begin - written));
  let filled = 0;
  let written = 0;
  let piece = nextPiece();
  const writes = new Set<Promise<void>>();
  let fail: (error: unknown) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {}); // thrown where the next bytes are waited for
  const flush = async () => {
    if (filled === 0) return;
    const extent = { file, begin: begin + written, end: begin + written + filled };
    const writing = write(extent, piece.subarray(0, filled));
    writes.add(writing);
    writing.then(() => writes.delete(writing), fail);
    written += filled;
    filled = 0;
    piece = nextPiece();
    if (writes.size >= MOST_WRITES) await Promise.race(writes);
  };
  const finish = async () => {
    await flush();
    await Promise.all(writes);
  };
  try {
    for (;;) {
      const read = reader.read().catch((error: unknown) => {
        throw new Cut(error);
      });
      // What cannot be kept is not to be fetched either, however long the next bytes take.
      const step = await Promise.race([failure, read]);
      if (step.done) break;
      if (step.value.byteLength > end - begin - written - filled) {
        const remedy = "The server answers range requests wrongly: choose another mirror.";
        throw new InputError(file, `${end - begin} bytes`, "more", remedy);
      }
      onBytes(step.value.byteLength);
      for (let from = 0; from < step.value.byteLength; ) {
        const part = step.value.subarray(from, from + piece.byteLength - filled);
        piece.set(part, filled);
        filled += part.byteLength;
        from += part.byteLength;
        if (filled === piece.byteLength) await flush();
      }
      if (signal?.aborted) break;
    }
    await finish();
    return written;
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
    await finish();
    throw new Cut(error.cause, written);
  } finally {
    await Promise.allSettled([...writes, reader.cancel()]);
  }
}

/** A transfer that ended by an error of the network after `kept` bytes. */
export class Cut extends Error {
  constructor(
    override readonly cause: unknown,
    readonly kept = 0,
  ) {
    super("cut");
  }
}
