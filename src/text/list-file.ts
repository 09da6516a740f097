import { InputError } from "../errors/input-error.ts";
import { SLOT } from "./prompts.ts";

/** More than the longest list that is taken (25,000 names) takes. */
const MOST_BYTES = 4e6;

/**
 * The text of a file of class names or prompt templates.
 * @throws InputError when it is too large, or no text in UTF-8
 */
export async function readListFile(file: File): Promise<string> {
  const remedy = "Choose a text file with one entry a line, or a JSON list, saved as UTF-8.";
  if (file.size > MOST_BYTES) {
    const expected = `a list of at most ${MOST_BYTES / 1e6} MB`;
    throw new InputError(file.name, expected, `${(file.size / 1e6).toFixed(1)} MB`, remedy);
  }
  const refused = new InputError(file.name, "text in UTF-8", "other bytes", remedy);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch (error) {
    throw error instanceof TypeError ? refused : error;
  }
  if (text.includes("\0")) throw refused; // valid UTF-8, but of no text
  return text;
}

/** Whether a list is of prompt templates: they hold {}, class names do not. */
export function isTemplateList(text: string): boolean {
  return text.includes(SLOT);
}
