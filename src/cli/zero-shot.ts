import { digestOf } from "../checkpoint/digest.ts";
import type { Head } from "../evaluate/head.ts";
import { zeroShotHead } from "../evaluate/zero-shot.ts";
import { parseJson, type TextFile } from "../families/model-files.ts";
import { type ClassEmbeddings, embedClasses } from "../text/class-embeddings.ts";
import { type ClassList, namesOfFolders, parseClasses, parseTemplates } from "../text/class-list.ts";
import { openText } from "../text/open-text.ts";
import { TEMPLATE_PRESETS } from "../text/prompts.ts";
import type { OpenModel } from "./open-model.ts";
import { createProgress } from "./output.ts";
import { readBytes } from "./read-file.ts";

export interface ClassFlags {
  /** File with class names: text, a JSON list, or a JSON object from a data set's folder names. */
  readonly classes?: string;
  /** File with prompt templates, or the name of a preset. */
  readonly templates?: string;
}

/**
 * A zero-shot head for a labelled set: the model's own text tower embeds the class names.
 * @param folders the set's classes, which name its folders
 * @throws InputError when text tower or tokenizer are missing, or names and folders do not fit together; CancelledError
 */
export async function openZeroShotHead(
  model: OpenModel,
  flags: ClassFlags,
  folders: readonly string[],
  signal?: AbortSignal,
): Promise<Head> {
  const list = flags.classes === undefined ? null : await readClassFile(flags.classes);
  const { classes, labels } = namesOfFolders(list, folders, flags.classes ?? "Class folders");
  const embeddings = await embed(model, classes, flags, signal);
  const digest = await digestOf([JSON.stringify([classes, labels]), embeddings.embeddings]);
  return { ...zeroShotHead(embeddings, labels), digest };
}

/**
 * Class embeddings of the model's text tower; says on stderr when prompts were too long.
 * @throws InputError, CancelledError as {@link openZeroShotHead}
 */
export async function openClassEmbeddings(
  model: OpenModel,
  flags: ClassFlags & { readonly classes: string },
  signal?: AbortSignal,
): Promise<ClassEmbeddings> {
  return embed(model, (await readClassFile(flags.classes)).classes, flags, signal);
}

async function embed(
  { text, weights, configs, runtime, fetchText }: OpenModel,
  classes: readonly string[],
  flags: ClassFlags,
  signal: AbortSignal = new AbortController().signal,
): Promise<ClassEmbeddings> {
  const progress = createProgress();
  await fetchText(progress, signal);
  const templates = await readTemplates(flags.templates ?? TEMPLATE_PRESETS[0]!.id);
  const json = async (file: TextFile | null, name: string) =>
    file ? parseJson(await file.text(), name) : null;
  const tokenizer = await json(text.tokenizer, "tokenizer.json");
  const { tower, tokenizer: opened } = openText(
    weights,
    configs,
    tokenizer === null
      ? null
      : { tokenizer, config: await json(text.tokenizerConfig, "tokenizer_config.json") },
  );
  const embedded = await embedClasses(tower, opened, classes, templates, runtime, {
    onProgress: (done, total) => progress("Embedding the classes", done, total),
    signal,
  });
  if (embedded.truncated > 0) {
    process.stderr.write(
      `Prompts cut to the ${tower.spec.context} tokens of the text tower: ${embedded.truncated}\n`,
    );
  }
  return embedded;
}

async function readClassFile(path: string): Promise<ClassList> {
  return parseClasses(new TextDecoder().decode(await readBytes(path, "a file with class names")), path);
}

async function readTemplates(nameOrPath: string): Promise<readonly string[]> {
  const preset = TEMPLATE_PRESETS.find(({ id }) => id === nameOrPath);
  if (preset) return preset.templates;
  const form = `a file with prompt templates, or one of ${TEMPLATE_PRESETS.map(({ id }) => id).join(", ")}`;
  return parseTemplates(new TextDecoder().decode(await readBytes(nameOrPath, form)), nameOrPath);
}
