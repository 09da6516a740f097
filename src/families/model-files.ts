import { z } from "zod";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { InputError } from "../errors/input-error.ts";
import type { ConfigFiles } from "./config-files.ts";

/** The files of one model, opened but not yet understood. */
export interface ModelFiles {
  /** One file, or the shards of one checkpoint. */
  readonly weights: readonly ByteSource[];
  /** Parsed index of the shards; null for a single file. */
  readonly index: unknown;
  readonly configs: ConfigFiles;
  readonly registers: ByteSource | null;
  readonly text: TextFiles;
}

/** Files beside the weights that only a text tower needs; they are read when classes are embedded. */
export interface TextFiles {
  readonly tokenizer: TextFile | null;
  readonly tokenizerConfig: TextFile | null;
}

/** A file that is read when its text is asked for. */
export type TextFile = Pick<Blob, "text">;

/** @throws InputError when the text is not JSON */
export function parseJson(text: string, name: string): unknown {
  try {
    return z.json().parse(JSON.parse(text));
  } catch (error) {
    throw new InputError(name, "JSON", String(error), `Choose the ${name} that came with the checkpoint.`);
  }
}
