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

/**
 * Reads a JSON file of a checkpoint as it stands; whoever uses it checks it.
 * @throws InputError when it cannot be read or is not JSON
 */
export async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(path, "a JSON file of the checkpoint"));
  try {
    return JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(path, "JSON", got, "Download the file again, or remove it.");
  }
}
