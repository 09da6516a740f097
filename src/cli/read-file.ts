import { readFile } from "node:fs/promises";
import { InputError } from "../errors/input-error.ts";

/**
 * Reads a whole file.
 * @param expected what the file should be, for the error, e.g. "an image file"
 * @throws InputError when it cannot be read
 */
export async function readBytes(path: string, expected: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(path, expected, got, "Check the path.");
  }
}
