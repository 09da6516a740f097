import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../checkpoint/digest.ts";
import { openSafetensors, type Safetensors } from "../checkpoint/safetensors.ts";
import { createEngine } from "../engine/engine.ts";
import type { Runtime } from "../engine/runtime.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import type { Engine } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { openEncoder } from "../families/index.ts";
import { fileSource } from "./file-source.ts";
import { createProgress } from "./output.ts";
import { readBytes } from "./read-file.ts";

export interface ModelFlags {
  /** Folder with model.safetensors and, optionally, config.json and registers.safetensors. */
  readonly model: string;
  readonly normalisation?: "half" | "imagenet";
  /** Epsilon of the LayerNorms, where no config says it. */
  readonly eps?: number;
  /** Intra-op threads. */
  readonly threads?: number;
}

export interface OpenModel {
  readonly folder: string;
  /** Of model.safetensors, hex. */
  readonly sha256: string;
  readonly engine: Engine;
  /** The checkpoint, for what is read later: its text tower. */
  readonly weights: Safetensors;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/**
 * Opens a model folder with onnxruntime-node.
 * @throws InputError when the folder does not hold an encoder that can be read; CancelledError on abort
 */
export async function openModel(flags: ModelFlags, signal?: AbortSignal): Promise<OpenModel> {
  const source = await fileSource(join(flags.model, "model.safetensors"));
  const progress = createProgress();
  try {
    const safetensors = await openSafetensors(source);
    const config = await readConfig(join(flags.model, "config.json"));
    const encoder = await openEncoder(safetensors, config, {
      normalisation: flags.normalisation ?? null,
      layerNormEps: flags.eps ?? null,
    });
    const digest = await sha256(source, signal ? { signal } : {});
    const runtime = createNodeRuntime(flags.threads === undefined ? {} : { threads: flags.threads });
    const engine = await createEngine(encoder, runtime, {
      onProgress: (done, total) => progress("Loading", done, total),
      ...(signal && { signal }),
    });
    const close = async () => {
      await engine.dispose();
      await source.close();
    };
    return { folder: flags.model, sha256: digest, engine, weights: safetensors, runtime, close };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** config.json as it stands (the family checks it); null when there is none. */
async function readConfig(path: string): Promise<unknown> {
  if (!existsSync(path)) return null;
  const text = new TextDecoder().decode(await readBytes(path, "the checkpoint's config"));
  try {
    return JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new InputError(path, "JSON", got, "Repair the file, or remove it to let the family assume.");
  }
}
