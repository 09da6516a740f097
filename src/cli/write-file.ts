import { constants, existsSync } from "node:fs";
import { access, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { InputError } from "../errors/input-error.ts";

/**
 * Looks before the work whether its result can be written.
 * @param flag that names the file
 * @throws InputError when there is no such folder, no right to write, or a folder of that name
 */
export async function requireWritable(path: string, flag: string): Promise<void> {
  try {
    await access(existsSync(path) ? path : dirname(path), constants.W_OK);
    const isFolder = existsSync(path) && (await stat(path)).isDirectory();
    if (isFolder) throw new Error(`${path} is a folder`);
  } catch (error) {
    throw notWritten(flag, error);
  }
}

/**
 * Writes a file whole or not at all: what was there before stays until then.
 * @param refuse makes the error of a file that cannot be written
 * @throws InputError when it cannot be written
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  refuse: (path: string, error: unknown) => InputError = notWritten,
): Promise<void> {
  const part = `${path}.part-${process.pid}`;
  try {
    await writeFile(part, content);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw refuse(path, error);
  }
}

function notWritten(subject: string, error: unknown): InputError {
  const got = error instanceof Error ? error.message : String(error);
  return new InputError(subject, "a file that can be written", got, "Choose another path.");
}
