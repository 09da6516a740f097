import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { digestOf } from "../checkpoint/digest.ts";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import type { ExperimentMemory } from "../regcache/experiment-memory.ts";
import { requireEqualSubject, type SearchSubject } from "../regcache/search-state.ts";
import { requireWritable, writeWhole } from "./write-file.ts";

const FORMAT = "regscope-state";
const VERSION = 1;
/** Least time between two writes, ms: a state may be long. */
const INTERVAL = 2000;

const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** Whose state it is, e.g. "search". */
  command: z.string(),
  /** Everything that the parts depend on, by name. */
  subject: z.record(z.string(), z.string()),
  parts: z.record(z.string(), z.unknown()),
});

/** What a command remembers of itself in a file. */
export interface StateFile extends ExperimentMemory {
  /** Writes what is not written yet; to be called at the end, whatever the end was. */
  save(): Promise<void>;
}

/** @throws InputError, before anything is computed, when the file of `--state` could not be written */
export async function requireState(path: string | undefined): Promise<void> {
  if (path !== undefined) await requireWritable(path, "--state");
}

/**
 * The state of a command, which goes on from it when the file is there: written every few seconds, and whole or not at all.
 * @param path null: nothing is remembered
 * @param subject everything that its results depend on
 * @throws InputError when the file is no state, or of another command or subject
 */
export async function openState(
  path: string | undefined,
  command: string,
  subject: SearchSubject,
): Promise<StateFile> {
  if (path === undefined) return { recall: () => null, keep: async () => {}, save: async () => {} };
  const parts = new Map<string, () => unknown>();
  const remedy = `Use what it was made with, or choose another file for this ${command}.`;
  if (existsSync(path)) {
    const { subject: found, ...known } = parse(await readFile(path, "utf8"), path, command, remedy);
    requireEqualSubject(path, command, { wanted: subject, found }, remedy);
    for (const [name, part] of Object.entries(known.parts)) parts.set(name, () => part);
  }
  let isWritten = true;
  let lastWrite = performance.now();
  const save = async () => {
    if (isWritten) return;
    isWritten = true;
    lastWrite = performance.now();
    const made = Object.fromEntries([...parts].map(([name, make]) => [name, make()]));
    await writeWhole(
      path,
      JSON.stringify({ format: FORMAT, version: VERSION, command, subject, parts: made }),
    );
  };
  return {
    recall(name, schema) {
      const part = parts.get(name)?.();
      if (part === undefined) return null;
      const parsed = schema.safeParse(part);
      if (parsed.success) return parsed.data;
      // One issue says enough: a damaged part may have as many as it has numbers.
      const { path: at, message } = parsed.error.issues[0]!;
      throw new InputError(path, `the state of this ${command}`, [name, ...at, message].join(": "), remedy);
    },
    async keep(name, make) {
      parts.set(name, make);
      isWritten = false;
      if (performance.now() - lastWrite >= INTERVAL) await save();
    },
    save,
  };
}

function parse(text: string, path: string, command: string, remedy: string) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(path, `the state of this ${command} (JSON)`, got, remedy);
  }
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    const expected = `the state of this ${command} (${FORMAT}, version ${VERSION})`;
    throw new InputError(path, expected, `${at.join(".")}: ${message}`, remedy);
  }
  if (parsed.data.command === command) return parsed.data;
  throw new InputError(path, `the state of this ${command}`, `one of ${parsed.data.command}`, remedy);
}

/** What names an evaluated set and the order of its images in a subject. */
export async function evaluatedImages(
  set: LabelledSet,
  { seed, limit }: { readonly seed: number; readonly limit?: number | undefined },
): Promise<{ images: string; order: string }> {
  const ids = Array.from({ length: set.count }, (_, i) => `${set.id(i)} ${set.label(i)}`);
  return { images: set.fingerprint ?? (await digestOf(ids)), order: `seed ${seed}, ${limit ?? "all"}` };
}
