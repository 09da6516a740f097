import { max } from "d3-array";
import { z } from "zod";
import { encoderKey } from "../encoder/encoder-key.ts";
import { InputError } from "../errors/input-error.ts";
import { headKey } from "../evaluate/head.ts";
import { CellScores, type ImageScores, type ScoreOptions } from "./cell-scores.ts";
import { NO_MEMORY } from "./experiment-memory.ts";
import type { ExperimentSubject } from "./prepare-search.ts";

const FORMAT = "regscope-search";
const VERSION = 2;
const numbers = z.array(z.number());

const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** What the scores depend on: see {@link searchSubject}. */
  subject: z.record(z.string(), z.string()),
  scores: z.record(
    z.string(),
    z
      .strictObject({ mse: numbers, cosine: numbers, right: numbers })
      .refine(
        ({ mse, cosine, right }) => mse.length === cosine.length && [0, mse.length].includes(right.length),
        {
          message: "one number an image in each list",
        },
      ),
  ),
});

/** Everything a score depends on, by name: a search goes on from a file only when all of it is equal. */
export type SearchSubject = Readonly<Record<string, string>>;

/** @param encoder see {@link encoderKey} */
export function searchSubject(
  encoder: string,
  { images, options }: Pick<CellScores, "images" | "options">,
): SearchSubject {
  const { quantize, registers, head } = options;
  return {
    encoder,
    images: images.digest,
    quantizer: JSON.stringify(quantize),
    registers,
    head: headKey(head),
  };
}

/** A search's scores as the text of a file that {@link readSearchState} reads. */
export function writeSearchState(subject: SearchSubject, scores: CellScores): string {
  return JSON.stringify({ format: FORMAT, version: VERSION, subject, scores: scores.all });
}

/** Where a state came from, for errors. */
interface StateSource {
  readonly name: string;
  /** What a user can do who has another one's or a damaged one. */
  readonly remedy: string;
}

/**
 * The scores of an interrupted search, and what they depend on.
 * @throws InputError when the text is not the state of a search
 */
export function parseSearchState(
  text: string,
  { name, remedy }: StateSource,
): { readonly subject: SearchSubject; readonly scores: Record<string, ImageScores> } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(name, "the state of a search (JSON)", got, remedy);
  }
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) {
    // One issue says enough: a damaged file may have as many as it has scores.
    const { path, message } = parsed.error.issues[0]!;
    const got = `${path.join(".")}: ${message}`;
    throw new InputError(name, `the state of a search (${FORMAT}, version ${VERSION})`, got, remedy);
  }
  return parsed.data;
}

/**
 * The scores of an interrupted search that is to go on.
 * @param images of its calibration set: no setting has seen more
 * @throws InputError when the text is not the state of a search, or another search's
 */
export function readSearchState(
  text: string,
  subject: SearchSubject,
  images: number,
  source: StateSource,
): Record<string, ImageScores> {
  const { subject: found, scores } = parseSearchState(text, source);
  const { name, remedy } = source;
  requireEqualSubject(name, "search", { wanted: subject, found }, remedy);
  const most = max(Object.values(scores), ({ mse }) => mse.length) ?? 0;
  if (most > images)
    throw new InputError(name, `scores of ${images} images at most`, `of ${most} images`, remedy);
  return scores;
}

/**
 * Holds what a state is of against what is to go on.
 * @param what goes on, e.g. "search"
 * @throws InputError that names what differs
 */
export function requireEqualSubject(
  name: string,
  what: string,
  { wanted, found }: { readonly wanted: SearchSubject; readonly found: SearchSubject },
  remedy: string,
): void {
  const keys = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
  const other = keys.filter((key) => wanted[key] !== found[key]);
  if (other.length === 0) return;
  throw new InputError(
    name,
    `the state of this ${what}`,
    `one with another ${other.join(", another ")}`,
    remedy,
  );
}

/** Scores of a search that its memory knows, and what keeps them there. */
export interface RememberedScores {
  readonly scores: CellScores;
  readonly keep: () => Promise<void>;
}

/** How {@link rememberedScores} starts. */
interface Remembering {
  /** Under which it is kept in the memory. */
  readonly name?: string;
  /** Scores of a search before it, where the memory holds none yet. */
  readonly before?: CellScores | undefined;
}

/**
 * The scores of a subject's settings, with those that its memory holds. Of two searches that follow each other each has its own: how
 * many evaluations the first one needed must not depend on the second.
 * @throws InputError when these are not of an equal search
 */
export function rememberedScores(
  { engine, sha256, images, head, quantize, signal, memory = NO_MEMORY }: ExperimentSubject,
  registers: Pick<ScoreOptions, "registers" | "several">,
  { name = "search", before }: Remembering = {},
): RememberedScores {
  const options = { quantize, ...registers, head, ...(signal && { signal }) };
  const about = searchSubject(encoderKey({ sha256, spec: engine.spec }), { images, options });
  const kept = memory.recall(name, z.string());
  const known = kept === null ? before?.all : readSearchState(kept, about, images.count, MEMORY);
  const scores = new CellScores(engine, images, options, known);
  return { scores, keep: () => memory.keep(name, () => writeSearchState(about, scores)) };
}

/** For errors: equal images and an equal model on another machine may give registers that differ in the last digit. */
const MEMORY: StateSource = {
  name: "The interrupted search",
  remedy: "Its encoder, images and backend must be as they were: choose them again, or start anew.",
};
