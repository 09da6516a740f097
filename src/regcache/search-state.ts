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

/**
 * Scores of an interrupted search.
 * @param file its name, for errors
 * @throws InputError when it is no search's file, or another search's
 */
export function readSearchState(text: string, subject: string, file: string): Record<string, ImageScores> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(file, "the state of a search (JSON)", got, "Choose another file.");
  }
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) {
    // One issue says enough: a damaged file may have as many as it has scores.
    const { path, message } = parsed.error.issues[0]!;
    const got = `${path.join(".")}: ${message}`;
    throw new InputError(
      file,
      `the state of a search (${FORMAT}, version ${VERSION})`,
      got,
      "Choose another file.",
    );
  }
  if (parsed.data.subject !== subject) {
    throw new InputError(
      file,
      `the state of this search: ${subject}`,
      parsed.data.subject,
      "Use the same model, images, registers and quantizer, or choose another file.",
    );
  }
  return parsed.data.scores;
}
