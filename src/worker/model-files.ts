import { blobSource, memorySource } from "../checkpoint/byte-source.ts";
import { InputError } from "../errors/input-error.ts";
import { modelFileSet } from "../families/model-file-set.ts";
import { type ModelFiles, parseJson } from "../families/model-files.ts";
import type { HubModelRequest, ModelRequest, Progress } from "./api.ts";
import { fetchSiteFile } from "./site-file.ts";

type OnProgress = (progress: Progress) => void;

/**
 * Finds the files of a model request.
 * @throws InputError when no weights are among them, a download fails, or config.json is not JSON
 */
export async function openModelFiles(
  request: Exclude<ModelRequest, HubModelRequest>,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<ModelFiles> {
  return request.kind === "bundled"
    ? downloadFiles(request.url, onProgress, signal)
    : chosenFiles(request.files);
}

async function chosenFiles(files: readonly File[]): Promise<ModelFiles> {
  const { weights, index, configs, registers } = modelFileSet(files);
  const json = async (file: File | null | undefined) =>
    file ? parseJson(await file.text(), file.name) : null;
  const named = (pattern: RegExp) => files.find((file) => pattern.test(file.name)) ?? null;
  return {
    weights: weights.map((file) => blobSource(file, file.name)),
    index: await json(index),
    configs: {
      config: await json(configs.config),
      preprocessor: await json(configs.preprocessor),
      openClip: await json(configs.openClip),
    },
    registers: registers ? blobSource(registers, registers.name) : null,
    text: {
      tokenizer: named(/tokenizer(?!_config).*\.json$/i),
      tokenizerConfig: named(/tokenizer_config.*\.json$/i),
    },
  };
}

async function downloadFiles(url: string, onProgress: OnProgress, signal: AbortSignal): Promise<ModelFiles> {
  const file = async (name: string) => {
    const response = await fetchSiteFile(new URL(name, url), signal);
    // Static hosts answer a missing file with 404, or with an HTML page.
    const isPage = response.headers.get("content-type")?.includes("text/html");
    return response.ok && !isPage ? response : null;
  };
  const [weights, config, registers] = await Promise.all([
    file("model.safetensors"),
    file("config.json"),
    file("registers.safetensors"),
  ]);
  if (!weights) {
    throw new InputError(url, "a model.safetensors", "none at this address", "Check the address, or reload.");
  }
  const bytes = await readWithProgress(weights, onProgress);
  return {
    weights: [memorySource(bytes, "model.safetensors")],
    index: null,
    configs: { config: config ? parseJson(await config.text(), "config.json") : null },
    registers: registers
      ? memorySource(new Uint8Array(await registers.arrayBuffer()), "registers.safetensors")
      : null,
    text: { tokenizer: null, tokenizerConfig: null },
  };
}

async function readWithProgress(
  response: Response,
  onProgress: OnProgress,
): Promise<Uint8Array<ArrayBuffer>> {
  const total = Number(response.headers.get("content-length") ?? 0);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  for await (const part of chunks(response.body!)) {
    parts.push(part);
    done += part.byteLength;
    onProgress({ stage: "Downloading weights (bytes)", done, total: Math.max(total, done) });
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Safari's streams are not async iterable. */
async function* chunks(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = stream.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
}
