import { InputError } from "../errors/input-error.ts";

/**
 * Random access to the bytes of one file, wherever it lies. Ranges may be read again at any time: blocks
 * are rebuilt from their source whenever the weights' quantization changes, so nothing is kept in memory.
 */
export interface ByteSource {
  /** For messages, e.g. the file's name. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * Bytes [begin, end) in a buffer of their own, which the caller may keep, view as another type and change.
   * @throws InputError when the range is not in the file or the file can no longer be read.
   */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** A dropped or chosen file, or a downloaded blob, as a source. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async read(begin, end) {
      checkRange(name, blob.size, begin, end);
      try {
        return new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      } catch (cause) {
        throw unreadable(name, cause);
      }
    },
  };
}

/** Bytes in memory as a source; `bytes` must not be changed afterwards. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(begin, end) {
      checkRange(name, bytes.byteLength, begin, end);
      return bytes.slice(begin, end);
    },
  };
}

/** Throws InputError unless 0 <= begin <= end <= size, all in bytes. */
export function checkRange(name: string, size: number, begin: number, end: number): void {
  const whole = Number.isSafeInteger(begin) && Number.isSafeInteger(end);
  if (!whole || begin < 0 || end < begin || end > size) {
    throw new InputError(
      name,
      `a file that holds bytes ${begin} to ${end}`,
      `${size} bytes`,
      "The file may be incomplete: download it again.",
    );
  }
}

/** The InputError for a file that was there and can no longer be read (moved, changed, permission lost). */
export function unreadable(name: string, cause: unknown): InputError {
  return new InputError(
    name,
    "a readable file",
    cause instanceof Error ? cause.message : String(cause),
    "It may have been moved or changed since it was chosen: choose it again.",
  );
}
