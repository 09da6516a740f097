import { createSHA256 } from "hash-wasm";
import { LRUCache } from "lru-cache";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { queuedRuntime } from "../engine/queued-runtime.ts";
import { createWebRuntime } from "../engine/runtime-web.ts";
import type { Engine } from "../engine/types.ts";
import { parseJson, type TextFiles } from "../families/model-files.ts";
import { type ClassEmbeddings, embedClasses } from "../text/class-embeddings.ts";
import { openText, type TextConfigs } from "../text/open-text.ts";
import type { ClassesRequest, Progress } from "./api.ts";
import { readEmbeddings, writeEmbeddings } from "./embedding-cache.ts";
import type { HubText } from "./hub-text.ts";

/** What a text tower is opened from, when classes are first embedded. */
export interface TextSource {
  readonly weights: Safetensors;
  readonly configs: TextConfigs;
  readonly files: TextFiles;
  /** Where what is missing of it is fetched; null = all of it is here. */
  readonly hub: HubText | null;
}

/** Embeddings of this worker's model by content key; a list may hold thousands of classes, so only the last few. */
const recent = new LRUCache<string, ClassEmbeddings>({ max: 8 });

/**
 * Embeds classes on WASM, between the encoder's runs, whatever backend these use: it happens once a class list. Results are
 * kept in memory and in the browser's cache by the digest of model, tokenizer, classes and templates.
 * @param sha256 of the weights
 * @throws InputError, CancelledError as {@link embedClasses}
 */
export async function embedWithText(
  source: TextSource,
  sha256: string,
  { classes, templates }: ClassesRequest,
  engine: Engine,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<ClassEmbeddings> {
  const { tokenizer, tokenizerConfig } = source.files;
  const texts = await Promise.all([tokenizer, tokenizerConfig].map((file) => file?.text() ?? null));
  const key = await contentKey([
    sha256,
    JSON.stringify(source.configs),
    ...texts,
    JSON.stringify([classes, templates]),
  ]);
  const known = recent.get(key) ?? (await readEmbeddings(key));
  if (known) {
    recent.set(key, known);
    return known;
  }
  await source.hub?.fetch("to classify", onProgress, signal);
  const [tokenizerText, tokenizerConfigText] = texts;
  const parse = (text: string | null | undefined, name: string) =>
    text == null ? null : parseJson(text, name);
  const { tower, tokenizer: opened } = openText(
    source.weights,
    source.configs,
    tokenizerText == null
      ? null
      : {
          tokenizer: parse(tokenizerText, "tokenizer.json"),
          config: parse(tokenizerConfigText, "tokenizer_config.json"),
        },
  );
  const runtime = queuedRuntime(createWebRuntime("wasm"), engine, { signal });
  const embedded = await embedClasses(tower, opened, classes, templates, runtime, {
    signal,
    onProgress: (done, total) => onProgress({ stage: "Embedding the classes (parts)", done, total }),
  });
  recent.set(key, embedded);
  await writeEmbeddings(key, embedded);
  return embedded;
}

async function contentKey(parts: readonly (string | null | undefined)[]): Promise<string> {
  const hash = await createSHA256();
  for (const part of parts) hash.update(`${part?.length ?? "none"}:${part ?? ""}`);
  return hash.digest("hex");
}
