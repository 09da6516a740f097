import { max } from "d3-array";
import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import type { CellScores, ImageScores } from "./cell-scores.ts";

const FORMAT = "regscope-search";
const VERSION = 1;
const numbers = z.array(z.number());

const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** What the scores depend on: see {@link searchSubject}. */
  subject: z.string(),
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

/** What is kept of an interrupted search, so that it can go on after its engine is gone. */
export const searchProgressSchema = z.strictObject({
  /** l_q, which is not looked for again. */
  sensitiveBlock: z.int().min(0),
  /** Evaluations so far. */
  evaluations: z.int().min(1),
  /** Its scores, as {@link writeSearchState} writes them. */
  state: z.string().min(1),
});
export type SearchProgress = z.infer<typeof searchProgressSchema>;

/** Everything a score depends on, as text: a search goes on from a file only when this is equal. */
export function searchSubject(
  model: string,
  { images, options }: Pick<CellScores, "images" | "options">,
): string {
  const { quantize, registers, head } = options;
  return JSON.stringify([model, images.name, images.count, quantize, registers, head?.describe ?? null]);
}

/** A search's scores as the text of a file that {@link readSearchState} reads. */
export function writeSearchState(subject: string, scores: CellScores): string {
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
): { readonly subject: string; readonly scores: Record<string, ImageScores> } {
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
  subject: string,
  images: number,
  source: StateSource,
): Record<string, ImageScores> {
  const { subject: found, scores } = parseSearchState(text, source);
  const { name, remedy } = source;
  if (found !== subject) throw new InputError(name, `the state of this search: ${subject}`, found, remedy);
  const most = max(Object.values(scores), ({ mse }) => mse.length) ?? 0;
  if (most > images)
    throw new InputError(name, `scores of ${images} images at most`, `of ${most} images`, remedy);
  return scores;
}
