import { sha256 } from "../checkpoint/digest.ts";
import { openCheckpoint } from "../checkpoint/shards.ts";
import type { Engine } from "../engine/types.ts";
import { openEncoder } from "../families/index.ts";
import type { Registers } from "../regcache/registers.ts";
import { readRegisters } from "../regcache/registers-file.ts";
import { hasTextTower } from "../text/open-text.ts";
import type { BackendChoice, EngineStatus, ModelInfo, ModelRequest, Progress, RegistersInfo } from "./api.ts";
import { openEngine } from "./backend.ts";
import { openModelFiles } from "./model-files.ts";
import type { TextSource } from "./text-tower.ts";

/** A model that is ready to run. */
export interface LoadedModel {
  readonly engine: Engine;
  readonly sha256: string;
  readonly bytes: number;
  readonly status: EngineStatus;
  /** Where its text tower is read from; null when it has none. */
  readonly text: TextSource | null;
}

/**
 * Opens a model whole: files, header, digest, sessions, registers.
 * @throws InputError, with nothing left behind, when any part of it is not right
 */
export async function loadModel(
  request: ModelRequest,
  choice: { readonly backend: BackendChoice; readonly threads: number },
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const files = await openModelFiles(request, onProgress, signal);
  const safetensors = await openCheckpoint(files.weights, files.index);
  const encoder = openEncoder(
    safetensors,
    files.configs,
    request.kind === "files" ? (request.overrides ?? {}) : {},
  );
  const stage = (name: string) => (done: number, total: number) => onProgress({ stage: name, done, total });
  const digest = await sha256(files.weights, { onProgress: stage("Checking the file (bytes)"), signal });
  const registers = files.registers
    ? await readRegisters(files.registers, { sha256: digest, spec: encoder.spec })
    : null;
  const opened = await openEngine(encoder, choice.backend, {
    onProgress: stage("Building the encoder (parts)"),
    signal,
  });
  if (registers) opened.engine.addRegisters(registers);
  return {
    engine: opened.engine,
    sha256: digest,
    bytes: safetensors.size,
    text: hasTextTower(safetensors)
      ? { weights: safetensors, configs: files.configs, files: files.text }
      : null,
    status: {
      backend: opened.backend,
      threads: opened.backend === "wasm" ? choice.threads : 1,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      webgpuRefusal: opened.webgpuRefusal,
    },
  };
}

/** What the page needs to know about a loaded model. */
export function modelInfo(model: LoadedModel): ModelInfo {
  return {
    spec: model.engine.spec,
    sha256: model.sha256,
    bytes: model.bytes,
    registers: [...model.engine.registers.values()].map(registersInfo),
    status: model.status,
    hasText: model.text !== null,
  };
}

/** What the page needs to know about registers. */
export function registersInfo(registers: Registers): RegistersInfo {
  const { id, block, candidates, images, cosine, data } = registers;
  return { id, label: `after block ${block}, ${data}`, block, candidates, images, cosine };
}
