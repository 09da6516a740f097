import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../checkpoint/digest.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import type { ConfigFileKind } from "../families/config-files.ts";
import type { OpenedEncoder } from "../families/family.ts";
import { modelFileSet } from "../families/model-file-set.ts";
import type { ModelFiles, TextFile } from "../families/model-files.ts";
import { openHubFiles } from "../hub/hub-files.ts";
import { HUGGING_FACE, parseHubRef, refText } from "../hub/hub-ref.ts";
import type { OnProgress } from "../hub/hub-weights.ts";
import { planModel, type TextPlans } from "../hub/plan-model.ts";
import { type FileSource, fileSource } from "./file-source.ts";
import { folderStorage, modelCacheFolder } from "./folder-storage.ts";
import type { Progress } from "./output.ts";
import { readBytes, readJson } from "./read-file.ts";

/** A model's files, wherever they are. */
export interface ModelSource extends ModelFiles {
  /** Opens the very same again: a folder, or `hub:owner/name@commit`. */
  readonly reopen: { readonly model: string; readonly mirror?: string };
  /**
   * Makes sure that the weights that the encoder reads are here and right; resolves with their sha256 (see `sha256`).
   * @param open reads the encoder from the checkpoint, or from a stand-in of it.
   */
  fetch(
    weights: Safetensors,
    open: (weights: Safetensors) => OpenedEncoder,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<string>;
  /** Makes sure, after `fetch`, that the text tower and its tokenizer are here, too, where the model has them. */
  fetchText(progress: Progress, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What a model of a hub is named with. */
export const HUB = "hub:";
const REGISTERS = "registers.safetensors";

/**
 * Finds a model's files: in a folder, or by `hub:owner/name[@revision]` on the Hub or a mirror of it.
 * @throws InputError when there is no such model, or no weights in it; CancelledError on abort
 */
export async function openModelSource(
  model: string,
  mirror: string | undefined,
  signal: AbortSignal,
): Promise<ModelSource> {
  if (model.startsWith(HUB)) return hubModel(model.slice(HUB.length), mirror ?? HUGGING_FACE, signal);
  if (mirror === undefined) return folderModel(model);
  throw new InputError("--mirror", "a model of the Hub, --model hub:OWNER/NAME", model, "Leave it out.");
}

async function folderModel(folder: string): Promise<ModelSource> {
  const names = await listFolder(folder);
  const set = modelFileSet(names);
  const path = (file: { name: string }) => join(folder, file.name);
  const sources: FileSource[] = [];
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
  };
  const source = async (file: { name: string }) => {
    const opened = await fileSource(path(file));
    sources.push(opened);
    return opened;
  };
  const text = (name: string): TextFile | null =>
    names.some((file) => file.name === name)
      ? {
          text: async () =>
            new TextDecoder().decode(await readBytes(join(folder, name), "a file of the tokenizer")),
        }
      : null;
  try {
    const weights: FileSource[] = [];
    for (const file of set.weights) weights.push(await source(file));
    const json = async (kind: ConfigFileKind) =>
      set.configs[kind] ? readJson(path(set.configs[kind])) : null;
    return {
      weights,
      index: set.index && (await readJson(path(set.index))),
      configs: {
        config: await json("config"),
        preprocessor: await json("preprocessor"),
        openClip: await json("openClip"),
      },
      // Of this very name only: a folder may hold registers of several runs.
      registers: names.some(({ name }) => name === REGISTERS) ? await source({ name: REGISTERS }) : null,
      text: { tokenizer: text("tokenizer.json"), tokenizerConfig: text("tokenizer_config.json") },
      reopen: { model: folder },
      fetch: (_weights, _open, _progress, signal) => sha256(weights, { signal }),
      fetchText: async () => {},
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function hubModel(name: string, mirror: string, signal: AbortSignal): Promise<ModelSource> {
  const ref = parseHubRef(name, mirror);
  const files = await openHubFiles(ref, folderStorage(modelCacheFolder()), true, signal);
  const { hub, id, commit } = files.repository;
  let textPlans: TextPlans | null = null;
  return {
    ...files,
    reopen: { model: `${HUB}${refText({ id, revision: commit })}`, mirror: hub },
    async fetch(weights, open, progress, stop) {
      const { encoder, text } = await planModel(files, weights, open);
      textPlans = text;
      await files.checkRoom(encoder);
      return files.fetch(encoder, told(progress), stop, { text: text ? "nothing" : "none" });
    },
    async fetchText(progress, stop) {
      if (!textPlans) return;
      await files.checkRoom(textPlans.alone);
      await files.fetch(textPlans.alone, told(progress), stop, { text: "whole" });
    },
    close: async () => {},
  };
}

const told =
  (progress: Progress): OnProgress =>
  ({ stage, done, total }) =>
    progress(stage, done, total);

async function listFolder(folder: string): Promise<{ name: string }[]> {
  try {
    return (await readdir(folder)).map((name) => ({ name }));
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    const remedy = "Check the path; a model of the Hub is named hub:OWNER/NAME.";
    throw new InputError(folder, "a folder with a model.safetensors", got, remedy);
  }
}
