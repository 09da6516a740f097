import { browserStorage } from "../cache/saved-models.ts";
import { sha256 } from "../checkpoint/digest.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { openCheckpoint } from "../checkpoint/shards.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { FirstRun } from "../engine/first-run.ts";
import { startOrt } from "../engine/runtime-web.ts";
import type { SessionsOptions } from "../engine/sessions.ts";
import type { Engine } from "../engine/types.ts";
import { openEncoder } from "../families/index.ts";
import { formatBlocks } from "../figures/format.ts";
import { openHubFiles, type WeightsCheck } from "../hub/hub-files.ts";
import { planModel } from "../hub/plan-model.ts";
import type { Registers } from "../regcache/registers.ts";
import { readRegisters } from "../regcache/registers-file.ts";
import { hasTextTower } from "../text/open-text.ts";
import type {
  BackendChoice,
  EngineStatus,
  ModelInfo,
  ModelRequest,
  Progress,
  RegistersInfo,
  TextTowerInfo,
} from "./api.ts";
import { type OpenedEngine, openEngine } from "./backend.ts";
import { hubText } from "./hub-text.ts";
import { openModelFiles } from "./model-files.ts";
import type { TextSource } from "./text-tower.ts";
import { hasherFor } from "./worker-hasher.ts";

/** A model that is ready to run. */
export interface LoadedModel {
  readonly engine: Engine;
  readonly sha256: string;
  readonly bytes: number;
  readonly status: EngineStatus;
  /** Where its text tower is read from; null when it has none. */
  readonly text: TextSource | null;
  /** What is left to be checked of its bytes while it is in use; null = nothing. */
  readonly check: WeightsCheck | null;
}

/**
 * Opens a model whole: files, header, digest, sessions, registers. Hashing takes as long as building the encoder, so a download
 * may be checked afterwards.
 * @param firstRun an image to run block by block while the weights arrive, before they can be checked
 * @throws InputError, with nothing left behind, when any part of it is not right
 */
export async function loadModel(
  request: ModelRequest,
  choice: Pick<SessionsOptions, "instruments"> & {
    readonly backend: BackendChoice;
    readonly threads: number;
    /** Whether the check of its bytes may be left to the caller, where they are known by what the Hub states. */
    readonly defersCheck?: boolean;
  },
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
  firstRun: (spec: EncoderSpec) => Promise<FirstRun | null> = async () => null,
): Promise<LoadedModel> {
  const starting = startOrt();
  starting.catch(() => {}); // thrown where it is waited for
  const hub = request.kind === "hub" ? await openHubFiles(request, browserStorage(), true, signal) : null;
  const files = request.kind === "hub" ? hub! : await openModelFiles(request, onProgress, signal);
  const safetensors = await openCheckpoint(files.weights, files.index);
  const overrides = request.kind === "bundled" ? {} : (request.overrides ?? {});
  const open = (weights: Safetensors) => openEncoder(weights, files.configs, overrides);
  const encoder = open(safetensors);
  const stage = (name: string) => (done: number, total: number) => onProgress({ stage: name, done, total });
  const plans = hub ? await planModel(hub, safetensors, open) : null;
  const withText = request.kind === "hub" && request.withText === true ? plans?.text : null;
  const plan = withText?.withEncoder ?? plans?.encoder;
  if (hub && plan) await hub.checkRoom(plan);
  let check: WeightsCheck | null = null;
  const defer = (later: WeightsCheck) => {
    check = later;
  };
  const hasher = hasherFor(safetensors.size);
  const digestOf = (stop: AbortSignal) =>
    hub && plan
      ? hub.fetch(plan, onProgress, stop, {
          hasher,
          text: withText ? "whole" : plans?.text ? "nothing" : "none",
          ...(choice.defersCheck && { defer }),
        })
      : sha256(files.weights, {
          onProgress: stage("Checking the file (bytes)"),
          signal: stop,
          hasher,
        });
  const { opened, digest } = await buildWhileReading(
    digestOf,
    async (onProgress, signal) => {
      // ORT must never do two things at once.
      await starting;
      const { backend, instruments } = choice;
      const first = await firstRun(encoder.spec);
      return openEngine(encoder, backend, { onProgress, signal, instruments, first });
    },
    stage("Building the encoder (parts)"),
    signal,
  );
  hub?.release();
  try {
    if (files.registers) {
      const known = { sha256: digest, spec: encoder.spec };
      opened.engine.addRegisters(await readRegisters(files.registers, known));
    }
  } catch (error) {
    await opened.engine.dispose();
    throw error;
  }
  return {
    engine: opened.engine,
    sha256: digest,
    bytes: safetensors.size,
    check,
    text: hasTextTower(safetensors)
      ? {
          weights: safetensors,
          configs: files.configs,
          files: files.text,
          hub: hub && hubText(hub, plans?.text ?? null),
        }
      : null,
    status: {
      backend: opened.backend,
      threads: opened.backend === "wasm" ? choice.threads : 1,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      webgpuRefusal: opened.webgpuRefusal,
    },
  };
}

type OnParts = (done: number, total: number) => void;

/**
 * Reads and checks the weights while the encoder is built from them, block by block as they arrive; if either fails, the
 * other stops and nothing is left behind. There is one progress at a time: of the bytes, then of the parts.
 */
async function buildWhileReading(
  read: (signal: AbortSignal) => Promise<string>,
  build: (onParts: OnParts, signal: AbortSignal) => Promise<OpenedEngine>,
  onParts: OnParts,
  signal: AbortSignal,
): Promise<{ digest: string; opened: OpenedEngine }> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let hasRead = false;
  const reading = read(either).then((digest) => {
    hasRead = true;
    return digest;
  });
  const building = build((done, total) => hasRead && onParts(done, total), either);
  try {
    const [digest, opened] = await Promise.all([reading, building]);
    return { digest, opened };
  } catch (error) {
    stop.abort();
    const [, built] = await Promise.allSettled([reading, building]);
    if (built.status === "fulfilled") await built.value.engine.dispose();
    throw error;
  }
}

/** What the page needs to know about a loaded model. */
export function modelInfo(model: LoadedModel): ModelInfo {
  return {
    spec: model.engine.spec,
    sha256: model.sha256,
    bytes: model.bytes,
    registers: [...model.engine.registers.values()].map(registersInfo),
    status: model.status,
    text: textTowerInfo(model),
    integrity: model.check ? "checking" : "checked",
  };
}

/** What of a loaded model's text tower is here; null = it has none. */
export function textTowerInfo({ text }: LoadedModel): TextTowerInfo | null {
  return text && (text.hub?.info() ?? { missing: 0, missingToClassify: 0 });
}

/** What the label of each kind begins with. */
const LABELS: Readonly<Record<Registers["kind"], string>> = {
  outliers: "",
  "random-sink": "control, a random token: ",
  "mean-token": "control, the mean token: ",
};

/** What the page needs to know about registers. */
export function registersInfo(registers: Registers): RegistersInfo {
  const { id, kind, from, block, candidates, images, cosine, data, sets } = registers;
  const distinct = registers.distinct.length;
  const label = `${LABELS[kind]}after ${formatBlocks(from, block)}, ${data}${distinct > 1 ? `, ${distinct} distinct` : ""}`;
  // The cosines are those of the images' outliers and other tokens, whatever the registers are, and tell the images apart.
  const curation = JSON.stringify([from, block, images, cosine.outliers, cosine.normal]);
  return { id, kind, curation, label, from, block, candidates, distinct, images, cosine, sets };
}
