import { open } from "node:fs/promises";
import { basename } from "node:path";
import { type ByteSource, checkRange, unreadable } from "../checkpoint/byte-source.ts";

/** A {@link ByteSource} over a file on disk, which stays open until `close`. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/**
 * Opens a file of the local disk as a source for checkpoints.
 * @throws InputError when it does not exist, is not a regular file or cannot be read.
 */
export async function fileSource(path: string): Promise<FileSource> {
  const name = basename(path);
  const handle = await open(path, "r").catch((cause) => {
    throw unreadable(path, cause);
  });
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw unreadable(path, "not a regular file");
  }
  return {
    name,
    size: stat.size,
    async read(begin, end) {
      checkRange(name, stat.size, begin, end);
      const bytes = new Uint8Array(end - begin);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle
          .read(bytes, filled, bytes.length - filled, begin + filled)
          .catch((cause) => {
            throw unreadable(path, cause);
          });
        if (bytesRead === 0) throw unreadable(path, "fewer bytes than when it was opened");
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
