import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../checkpoint/digest.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { openCheckpoint } from "../checkpoint/shards.ts";
import { createEngine } from "../engine/engine.ts";
import type { Runtime } from "../engine/runtime.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import type { Engine } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import type { ConfigFileKind, ConfigFiles } from "../families/config-files.ts";
import { openEncoder } from "../families/index.ts";
import { modelFileSet } from "../families/model-file-set.ts";
import { type FileSource, fileSource } from "./file-source.ts";
import { createProgress } from "./output.ts";
import { readJson } from "./read-file.ts";

export interface ModelFlags {
  /**
   * Folder with model.safetensors (or its shards and their index) and, optionally, config.json,
   * preprocessor_config.json, open_clip_config.json and registers.safetensors.
   */
  readonly model: string;
  readonly normalisation?: "half" | "imagenet";
  /** Epsilon of the LayerNorms, where no config says it. */
  readonly eps?: number;
  /** Side of the square input, pixels, where it shall not be the checkpoint's. */
  readonly inputSize?: number;
  /** Intra-op threads. */
  readonly threads?: number;
}

export interface OpenModel {
  readonly folder: string;
  /** Of the weights, hex (see `sha256`). */
  readonly sha256: string;
  readonly engine: Engine;
  /** The checkpoint, for what is read later: its text tower. */
  readonly weights: Safetensors;
  readonly configs: ConfigFiles;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/**
 * Opens a model folder with onnxruntime-node.
 * @throws InputError when the folder does not hold an encoder that can be read; CancelledError on abort
 */
export async function openModel(flags: ModelFlags, signal?: AbortSignal): Promise<OpenModel> {
  const set = modelFileSet(await listFolder(flags.model));
  const path = (file: { name: string }) => join(flags.model, file.name);
  const sources: FileSource[] = [];
  const closeAll = () => Promise.all(sources.map((source) => source.close()));
  const progress = createProgress();
  try {
    for (const file of set.weights) sources.push(await fileSource(path(file)));
    const index = set.index && (await readJson(path(set.index)));
    const config = async (kind: ConfigFileKind) =>
      set.configs[kind] ? readJson(path(set.configs[kind])) : null;
    const configs = {
      config: await config("config"),
      preprocessor: await config("preprocessor"),
      openClip: await config("openClip"),
    };
    const weights = await openCheckpoint(sources, index);
    const encoder = openEncoder(weights, configs, {
      normalisation: flags.normalisation ?? null,
      layerNormEps: flags.eps ?? null,
      inputSize: flags.inputSize ?? null,
    });
    const digest = await sha256(sources, signal ? { signal } : {});
    const runtime = createNodeRuntime(flags.threads === undefined ? {} : { threads: flags.threads });
    const engine = await createEngine(encoder, runtime, {
      onProgress: (done, total) => progress("Loading", done, total),
      ...(signal && { signal }),
    });
    const close = async () => {
      await engine.dispose();
      await closeAll();
    };
    return { folder: flags.model, sha256: digest, engine, weights, configs, runtime, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function listFolder(folder: string): Promise<{ name: string }[]> {
  try {
    return (await readdir(folder)).map((name) => ({ name }));
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(folder, "a folder with a model.safetensors", got, "Check the path.");
  }
}
