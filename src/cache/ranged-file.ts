import { LRUCache } from "lru-cache";
import { type ByteSource, checkRange } from "../checkpoint/byte-source.ts";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { Piece, PieceStore } from "./piece-store.ts";
import { type ByteRange, missingRanges, totalBytes } from "./ranges.ts";
import { Cut, type WritePiece, writePieces } from "./write-pieces.ts";

/** Bytes of the file from somewhere else, as they arrive; may end early or fail, and is then asked for the rest. */
export type FetchRange = (
  begin: number,
  end: number,
  signal: AbortSignal | undefined,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** Bytes that arrived last and stay in memory, so that who waits for them need not read them back. */
const RECENT_BYTES = 32 * 1024 * 1024;
/** How often a cut transfer is taken up again without a single byte in between. */
const MOST_CUTS = 3;

interface Transfer extends ByteRange {
  /** Settles when the transfer has ended; rejects with its error. */
  done: Promise<void>;
}

/** Ranges that are fetched one after another. */
interface Planned {
  readonly ranges: readonly ByteRange[];
  done: Promise<void>;
}

/**
 * A remote file as a {@link ByteSource}: what was fetched is kept in pieces and never fetched again; a read waits for a
 * transfer under way that will bring its bytes, and fetches what no transfer brings.
 */
export class RangedFile implements ByteSource {
  readonly #transfers = new Set<Transfer>();
  #planned: Planned | null = null;
  #arrived: (() => void)[] = [];
  readonly #recent = new LRUCache<Piece, Uint8Array>({
    maxSize: RECENT_BYTES,
    sizeCalculation: ({ byteLength }) => byteLength,
  });
  /** Pieces that are not written yet. */
  readonly #writing = new Map<Piece, Uint8Array>();
  #pieces: Piece[];

  private constructor(
    readonly name: string,
    readonly size: number,
    private readonly store: PieceStore,
    private readonly fetchRange: FetchRange,
    pieces: readonly Piece[],
  ) {
    this.#pieces = [...pieces];
  }

  static async open(
    file: { readonly path: string; readonly size: number },
    store: PieceStore,
    fetchRange: FetchRange,
  ): Promise<RangedFile> {
    const pieces = (await store.list()).filter((piece) => piece.file === file.path && piece.end <= file.size);
    return new RangedFile(file.path, file.size, store, fetchRange, pieces);
  }

  /** Bytes of `ranges` that are here. */
  kept(ranges: readonly ByteRange[]): number {
    return ranges.reduce(
      (sum, range) => sum + range.end - range.begin - totalBytes(missingRanges(range, this.#pieces)),
      0,
    );
  }

  /**
   * Fetches what is missing of `ranges`, in their order. Reads of these bytes wait for it from now on.
   * @param onBytes called with every count of bytes that arrives.
   * @throws InputError, CancelledError; what arrived is kept
   */
  async fetchAll(
    ranges: readonly ByteRange[],
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    const planned: Planned = { ranges, done: Promise.resolve() };
    this.#planned = planned;
    planned.done = this.#fetchInOrder(ranges, signal, onBytes).finally(() => {
      if (this.#planned === planned) this.#planned = null;
    });
    planned.done.catch(() => {}); // thrown below, and to whoever waits
    await planned.done;
  }

  async #fetchInOrder(
    ranges: readonly ByteRange[],
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    for (const range of ranges) await this.ensure(range, signal, onBytes);
  }

  async read(begin: number, end: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, begin, end);
    const bytes = new Uint8Array(end - begin);
    // A second pass only where a piece was deleted under us, e.g. by another page.
    for (let pass = 0; pass < 2; pass++) {
      await this.#arrival({ begin, end });
      await this.ensure({ begin, end });
      if (await this.#copy(begin, end, bytes)) return bytes;
    }
    throw new InputError(
      this.name,
      "the bytes that were just kept",
      "none: they were deleted",
      "Open the model again.",
    );
  }

  /** What is here of the file. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** Deletes pieces, e.g. damaged ones: they are fetched anew when they are read. */
  async discard(pieces: readonly Piece[]): Promise<void> {
    for (const piece of pieces) {
      this.#recent.delete(piece);
      this.#forget(piece);
      await this.store.delete(piece);
    }
  }

  /** Gives up the memory of what arrived last; it is read from where it is kept from now on. */
  release(): void {
    this.#recent.clear();
  }

  /** The whole file as text. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.read(0, this.size));
  }

  /**
   * Makes sure that a range is here.
   * @param onBytes called with every count of bytes that arrived for it.
   * @throws InputError, CancelledError; what arrived is kept
   */
  async ensure(
    range: ByteRange,
    signal?: AbortSignal,
    onBytes: (count: number) => void = () => {},
  ): Promise<void> {
    for (;;) {
      const [first] = missingRanges(range, this.#pieces);
      if (!first) return;
      const under = [...this.#transfers].find(({ begin, end }) => begin <= first.begin && first.begin < end);
      if (under) await Promise.race([under.done, this.#nextArrival()]);
      else await this.#transfer(this.#untilNextTransfer(first), signal, onBytes);
    }
  }

  /** Waits for bytes of a range that are going to be fetched anyway. */
  async #arrival(range: ByteRange): Promise<void> {
    for (let planned = this.#planned; planned; planned = this.#planned) {
      const missing = missingRanges(range, this.#pieces);
      const isPlanned = ({ begin }: ByteRange) =>
        planned?.ranges.some((candidate) => candidate.begin <= begin && begin < candidate.end);
      if (!missing.some(isPlanned)) return;
      await Promise.race([planned.done, this.#nextArrival()]);
    }
  }

  /** A missing range, cut where a transfer under way begins. */
  #untilNextTransfer({ begin, end }: ByteRange): ByteRange {
    const next = [...this.#transfers].map((transfer) => transfer.begin).filter((at) => at > begin);
    return { begin, end: Math.min(end, ...next) };
  }

  #nextArrival(): Promise<void> {
    return new Promise((resolve) => this.#arrived.push(resolve));
  }

  async #transfer(
    { begin, end }: ByteRange,
    signal: AbortSignal | undefined,
    onBytes: (count: number) => void,
  ): Promise<void> {
    const transfer: Transfer = { begin, end, done: Promise.resolve() };
    this.#transfers.add(transfer);
    transfer.done = this.#run(transfer, signal, onBytes).finally(() => this.#transfers.delete(transfer));
    transfer.done.catch(() => {}); // thrown below, and to whoever waits
    await transfer.done;
  }

  async #run(
    { begin, end }: ByteRange,
    signal: AbortSignal | undefined,
    onBytes: (count: number) => void,
  ): Promise<void> {
    let at = begin;
    let reason: unknown = null;
    const write: WritePiece = (piece, bytes) => this.#write(piece, bytes);
    for (let cuts = 0; at < end; ) {
      const before = at;
      try {
        const stream = await this.fetchRange(at, end, signal);
        at += await writePieces(stream, { file: this.name, begin: at, end }, write, { signal, onBytes });
      } catch (error) {
        if (!(error instanceof Cut)) throw signal?.aborted ? new CancelledError(this.name) : error;
        at += error.kept;
        reason = error.cause;
      }
      if (signal?.aborted) throw new CancelledError(this.name);
      cuts = at > before ? 0 : cuts + 1;
      if (cuts >= MOST_CUTS) throw this.#truncated(at, end, reason);
    }
  }

  /** Bytes of a piece can be read from the moment when their writing begins. */
  async #write(piece: Piece, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#writing.set(piece, bytes);
    this.#recent.set(piece, bytes);
    this.#pieces.push(piece);
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const tell of arrived) tell();
    try {
      await this.store.write(piece, bytes);
    } catch (error) {
      this.#recent.delete(piece);
      this.#forget(piece);
      throw error;
    } finally {
      this.#writing.delete(piece);
    }
  }

  #forget(piece: Piece): void {
    this.#pieces = this.#pieces.filter((other) => other !== piece);
  }

  /** Copies kept bytes; false when a piece is gone, which is then forgotten. */
  async #copy(begin: number, end: number, into: Uint8Array): Promise<boolean> {
    let at = begin;
    while (at < end) {
      const piece = this.#pieces.find((candidate) => candidate.begin <= at && at < candidate.end);
      if (!piece) return false;
      const to = Math.min(end, piece.end);
      const inMemory = this.#writing.get(piece) ?? this.#recent.get(piece);
      const bytes = inMemory
        ? inMemory.subarray(at - piece.begin, to - piece.begin)
        : await this.store.read(piece, at, to);
      if (!bytes || bytes.byteLength !== to - at) {
        this.#forget(piece);
        return false;
      }
      into.set(bytes, at - begin);
      at = to;
    }
    return true;
  }

  #truncated(at: number, end: number, reason: unknown): InputError {
    const why = reason instanceof Error ? ` (${reason.message})` : "";
    return new InputError(
      this.name,
      `bytes up to ${end}`,
      `a transfer that ended after byte ${at}, ${MOST_CUTS} times${why}`,
      "What was downloaded is kept: open the model again to continue.",
    );
  }
}
