import { mergeRanges, totalBytes } from "./ranges.ts";

/** Bytes [begin, end) of a file of a model. Pieces never change once they are written. */
export interface Piece {
  /** Path in the repository. */
  readonly file: string;
  readonly begin: number;
  readonly end: number;
}

/** Where the downloaded pieces of one model are kept. */
export interface PieceStore {
  list(): Promise<readonly Piece[]>;
  /** Bytes [from, to) of the file, within the piece; null when the piece is gone or is not whole. */
  read(piece: Piece, from: number, to: number): Promise<Uint8Array | null>;
  /** @throws InputError when there is no room */
  write(piece: Piece, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Does nothing where the piece is gone already. */
  delete(piece: Piece): Promise<void>;
}

/** Bytes that pieces hold; what several hold counts once. */
export function bytesIn(pieces: readonly Piece[]): number {
  return [...new Set(pieces.map(({ file }) => file))].reduce(
    (sum, file) => sum + totalBytes(mergeRanges(pieces.filter((piece) => piece.file === file))),
    0,
  );
}

/** Pieces in memory, for a look at a model that is not kept and where the browser keeps nothing. */
export function memoryStore(): PieceStore {
  const pieces = new Map<string, { piece: Piece; bytes: Uint8Array }>();
  const key = ({ file, begin, end }: Piece) => `${begin}-${end} ${file}`;
  return {
    async list() {
      return [...pieces.values()].map(({ piece }) => piece);
    },
    async read(piece, from, to) {
      return pieces.get(key(piece))?.bytes.slice(from - piece.begin, to - piece.begin) ?? null;
    },
    async write(piece, bytes) {
      pieces.set(key(piece), { piece, bytes: bytes.slice() });
    },
    async delete(piece) {
      pieces.delete(key(piece));
    },
  };
}
