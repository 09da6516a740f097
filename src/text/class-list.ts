import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import { SLOT } from "./prompts.ts";

/** More classes than any data set of the field has (ImageNet-21k): beyond it a file is not a class list. */
const MOST_CLASSES = 25_000;
const MOST_TEMPLATES = 500;

/** Class names, and the keys they were given under (folder names of a data set); null where there were none. */
export interface ClassList {
  readonly classes: readonly string[];
  readonly keys: readonly string[] | null;
}

/**
 * Class names as a user gives them: one a line, or a JSON list of names, or a JSON object whose values are the names.
 * Blank lines and spaces around a name are dropped.
 * @param source for messages, e.g. the file's name
 * @throws InputError when there is no name, one is repeated, or JSON holds something else
 */
export function parseClasses(text: string, source: string): ClassList {
  const json = parseJson(
    text,
    source,
    classesSchema,
    'a list of names, or an object such as {"n01440764": "tench"}',
  );
  const classes = (json === null ? lines(text) : Object.values(json)).map((name) => name.trim());
  checkClasses(classes, source);
  return { classes, keys: json === null || Array.isArray(json) ? null : Object.keys(json) };
}

/**
 * Finds the name of each class folder of a data set in a class list: by the list's keys, by the names themselves, or
 * one after the other when both are equally many. The list may name more classes than the set has, which makes the
 * choice harder, as it is among all of them. Without a list the folders' own names are taken, "_" read as a space.
 * @returns all class names, and the name of each folder
 * @throws InputError when a folder's name cannot be told
 */
export function namesOfFolders(
  list: ClassList | null,
  folders: readonly string[],
  source: string,
): { readonly classes: readonly string[]; readonly labels: readonly string[] } {
  if (list === null) {
    const names = folders.map((folder) => folder.replaceAll("_", " "));
    checkClasses(names, source);
    return { classes: names, labels: names };
  }
  const { classes, keys } = list;
  const byName = new Map((keys ?? classes).map((key, i) => [key, classes[i]!]));
  const missing = folders.find((folder) => !byName.has(folder));
  if (missing === undefined) return { classes, labels: folders.map((folder) => byName.get(folder)!) };
  if (keys === null && classes.length === folders.length) return { classes, labels: classes };
  throw new InputError(
    source,
    `a name for each of the ${folders.length} class folders`,
    keys === null ? `${classes.length} names, none of them "${missing}"` : `none for "${missing}"`,
    'Write a JSON object from folder to name, such as {"n01440764": "tench"}.',
  );
}

/**
 * Prompt templates, one a line or as a JSON list, each with {} where the class name goes.
 * @throws InputError when there is none or one has no {}
 */
export function parseTemplates(text: string, source: string): string[] {
  const json = parseJson(text, source, templatesSchema, "a list of templates");
  const templates = (json ?? lines(text)).map((template) => template.trim());
  checkTemplates(templates, source);
  return templates;
}

/** @throws InputError unless there are classes, named, and each once */
export function checkClasses(classes: readonly string[], source = "Classes"): void {
  const remedy = "Write one class name a line.";
  if (classes.length === 0) throw new InputError(source, "at least one class name", "none", remedy);
  if (classes.length > MOST_CLASSES) {
    throw new InputError(source, `at most ${MOST_CLASSES} class names`, String(classes.length), remedy);
  }
  const empty = classes.indexOf("");
  if (empty >= 0)
    throw new InputError(source, "a name for every class", `none for class ${empty + 1}`, remedy);
  const seen = new Set<string>();
  for (const name of classes) {
    if (seen.has(name)) {
      throw new InputError(source, "every class once", `"${name}" twice`, "Remove or rename one of them.");
    }
    seen.add(name);
  }
}

/** @throws InputError unless there are templates, each with {} */
export function checkTemplates(templates: readonly string[], source = "Templates"): void {
  const remedy = `Write one template a line, e.g. "a photo of a ${SLOT}."`;
  if (templates.length === 0) throw new InputError(source, "at least one prompt template", "none", remedy);
  if (templates.length > MOST_TEMPLATES) {
    throw new InputError(source, `at most ${MOST_TEMPLATES} templates`, String(templates.length), remedy);
  }
  const without = templates.find((template) => !template.includes(SLOT));
  if (without !== undefined) {
    throw new InputError(source, `templates with ${SLOT} for the class name`, `"${without}"`, remedy);
  }
}

const classesSchema = z.union([z.array(z.string()), z.record(z.string(), z.string())]);
const templatesSchema = z.array(z.string());

function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The text as JSON; null when it does not look like any. */
function parseJson<T>(text: string, source: string, schema: z.ZodType<T>, form: string): T | null {
  if (!/^\s*[[{]["\s\]}]/.test(text)) return null;
  const remedy = "Repair the file, or write one entry a line.";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(source, form, error instanceof Error ? error.message : String(error), remedy);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new InputError(source, form, parsed.error.issues[0]?.message ?? "something else", remedy);
}
