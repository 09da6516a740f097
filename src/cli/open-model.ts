import type { Safetensors } from "../checkpoint/safetensors.ts";
import { openCheckpoint } from "../checkpoint/shards.ts";
import { createEngine } from "../engine/engine.ts";
import type { Runtime } from "../engine/runtime.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import type { SessionsOptions } from "../engine/sessions.ts";
import type { Engine } from "../engine/types.ts";
import type { ConfigFiles } from "../families/config-files.ts";
import { openEncoder } from "../families/index.ts";
import { type ModelSource, openModelSource } from "./model-source.ts";
import { createProgress } from "./output.ts";

export interface ModelFlags {
  /**
   * Folder with model.safetensors (or its shards and their index) and, optionally, config.json,
   * preprocessor_config.json, open_clip_config.json and registers.safetensors; or `hub:owner/name[@revision]`.
   */
  readonly model: string;
  /** Base URL of the Hub that the model is asked of, where it is not Hugging Face's. */
  readonly mirror?: string;
  readonly normalisation?: "half" | "imagenet";
  /** Epsilon of the LayerNorms, where no config says it. */
  readonly eps?: number;
  /** Side of the square input, pixels, where it shall not be the checkpoint's. */
  readonly inputSize?: number;
  /** Intra-op threads. */
  readonly threads?: number;
}

export interface OpenModel extends Pick<ModelSource, "registers" | "text" | "reopen" | "fetchText"> {
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
 * Opens a model with onnxruntime-node. What is fetched of a model of the Hub is kept in the user's cache folder.
 * @param options.instruments false for what mostly wants results: faster, and traces are still to be had
 * @throws InputError when it is no encoder that can be read, or cannot be had; CancelledError on abort
 */
export async function openModel(
  flags: ModelFlags,
  signal: AbortSignal = new AbortController().signal,
  { instruments }: Pick<SessionsOptions, "instruments"> = {},
): Promise<OpenModel> {
  const progress = createProgress();
  const source = await openModelSource(flags.model, flags.mirror, signal);
  const { configs, registers, text, reopen, fetchText } = source;
  try {
    const weights = await openCheckpoint(source.weights, source.index);
    const open = (file: Safetensors) =>
      openEncoder(file, configs, {
        normalisation: flags.normalisation ?? null,
        layerNormEps: flags.eps ?? null,
        inputSize: flags.inputSize ?? null,
      });
    const encoder = open(weights);
    const sha256 = await source.fetch(weights, open, progress, signal);
    const runtime = createNodeRuntime(flags.threads === undefined ? {} : { threads: flags.threads });
    const engine = await createEngine(encoder, runtime, {
      onProgress: (done, total) => progress("Loading", done, total),
      signal,
      instruments,
    });
    const close = async () => {
      await engine.dispose();
      await source.close();
    };
    return { sha256, engine, weights, configs, registers, text, reopen, fetchText, runtime, close };
  } catch (error) {
    await source.close();
    throw error;
  }
}
