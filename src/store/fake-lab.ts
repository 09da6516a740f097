import { expect, vi } from "vitest";
import type { RegistersFiles } from "../cache/registers-files.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import { testTrace } from "../figures/test-trace.ts";
import type { HubRef } from "../hub/hub-ref.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import type { DatasetInfo, LabApi, Lane, ModelInfo, ModelOffer, Progress } from "../worker/api.ts";
import type { ExperimentResult } from "../worker/experiment-api.ts";
import type { LabHost, StoredText } from "./context.ts";
import { createLab } from "./lab.ts";
import { sceneName } from "./scenes.ts";

/** L of the staged models. */
export const BLOCKS = 3;

/** A small timm ViT as the worker would describe it. */
export function modelInfo(label: string, registers: ModelInfo["registers"] = []): ModelInfo {
  return {
    spec: {
      family: "timm-vit",
      label,
      blocks: BLOCKS,
      width: 4,
      heads: 1,
      mlpWidth: 8,
      patch: 8,
      grid: 2,
      hasCls: true,
      trainedRegisters: 0,
      tokens: 5,
      layerNormEps: 1e-6,
      activation: "gelu",
      pooling: "cls",
      classes: 0,
      classNames: null,
      preprocess: {
        size: 16,
        mode: "squash",
        resize: 16,
        interpolation: "bicubic",
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
      assumptions: [],
      outlierOrigin: null,
    },
    sha256: "ab".repeat(32),
    bytes: 1000,
    registers,
    text: null,
    integrity: "checked",
    status: { backend: "wasm", threads: 1, crossOriginIsolated: false, webgpuRefusal: "no adapter" },
  };
}

/** Registers that the staged bundled model has. */
export const REGISTERS = {
  id: "reg1",
  kind: "outliers",
  curation: "scenes",
  label: "after block 0, 4 images",
  from: 0,
  block: 0,
  candidates: 10,
  distinct: 1,
  images: 4,
  cosine: { outliers: 0.9, normal: 0.2 },
} as const;

/** The data set that is staged. */
export const SCENES: DatasetInfo = {
  id: "set-1",
  name: "scenes",
  classes: ["shirt", "shoe"],
  count: 1024,
  fingerprint: "cd".repeat(32),
};

/** What the staged Hub says of any model. */
export function offer(ref: HubRef): ModelOffer {
  return {
    ...ref,
    commit: "c".repeat(40),
    licence: "mit",
    spec: modelInfo(ref.id).spec,
    bytes: 900,
    kept: 0,
    fileBytes: 1000,
    check: "part",
    text: null,
    textRefusal: null,
    room: 5000,
    canSave: true,
  };
}

/** An analysis that the lab asked for; the test decides what it answers. */
export interface Run {
  readonly lane: Lane;
  readonly intervention: Parameters<LabApi["analyse"]>[2];
  trace(block: number): void;
  calibrating(progress: Progress): void;
  finish(): void;
  reject(error: Error): void;
}

/** Registers files that outlive a staged page. */
export function memoryRegisters(): RegistersFiles & { readonly files: Map<string, Blob> } {
  const files = new Map<string, Blob>();
  return {
    files,
    list: async () => [...files].map(([id, file]) => ({ id, file })),
    keep: async (_, { id, file }) => void files.set(id, file),
    forget: async (_, id) => void files.delete(id),
  };
}

/** A worker that does what the test says, with the traces that the test says. */
function stage(
  overrides: Partial<LabApi> = {},
  files: Record<string, string> = {},
  hash = "",
  backend: string | null = null,
  stored: Partial<Record<StoredText, string>> = {},
  registersFiles = memoryRegisters(),
) {
  const runs: Run[] = [];
  let images = 0;
  const api: LabApi = {
    start: async () => modelInfo("").status,
    openModel: async () => modelInfo("bundled", [REGISTERS]),
    modelChecked: async () => {},
    loadedFiles: async () => [],
    lookUpModel: async (ref) => offer(ref),
    savedModels: async () => [],
    deleteSavedModel: async () => {},
    openImage: async (_, name) => ({
      id: `image-${++images}`,
      name,
      width: 1,
      height: 1,
      view: { size: 1, rgba: new Uint8ClampedArray(4) },
    }),
    analyse: (lane, _, intervention, onTrace, calibrating) =>
      new Promise<RunResult>((resolve, reject) => {
        runs.push({
          lane,
          intervention,
          trace: (block) => onTrace(testTrace(block, [1, 2, 3, 4, 100 * (block + 1)])),
          calibrating,
          finish: () =>
            resolve({
              feature: new Float32Array(4),
              logits: null,
              deleted: new Int32Array(),
              computedFrom: 0,
              milliseconds: 1,
              cost: { milliseconds: 1, weightBytes: 0 },
            }),
          reject,
        });
      }),
    scene: async (_, index) => ({
      image: { name: sceneName(index), blob: new Blob([`scene ${index}`]) },
      mask: { name: "mask.png", blob: new Blob([`mask ${index}`]) },
    }),
    openMask: async () => Uint8Array.of(1),
    compareParts: async () => {},
    openDataset: async () => SCENES,
    openCalibration: async ({ name, limit }) => ({
      name,
      count: limit,
      set: "scenes-probe",
      skipped: NONE_SKIPPED,
    }),
    evaluate: () => new Promise<EvaluationReport>(() => {}),
    experiment: () => new Promise<{ result: ExperimentResult }>(() => {}),
    embedClasses: async ({ classes, templates }) => ({
      classes,
      templates,
      embeddings: Float32Array.from({ length: 4 * classes.length }, (_, i) =>
        i % 4 === (i >> 2) % 4 ? 1 : 0,
      ),
      width: 4,
      scoring: "softmax",
      scale: 1,
      bias: 0,
      truncated: 0,
    }),
    downloadText: async () => {},
    textTower: async () => null,
    curate: async () => [REGISTERS],
    openRegisters: async () => REGISTERS,
    saveRegisters: async () => new Uint8Array(1),
    cancel: async () => {},
    ...overrides,
  };
  const written: string[] = [];
  const host: LabHost = {
    baseUrl: "https://example.org/sub/path/",
    backend,
    fetchFile: async (url) => {
      const name = url.replace("https://example.org/sub/path/", "");
      const text = {
        "samples/samples.json": '[{"file":"a.png","label":"a","title":"A"}]',
        "samples/a.png": "x",
        ...files,
      }[name];
      return text === undefined ? null : new Blob([text]);
    },
    schedule: (callback) => queueMicrotask(callback),
    readStored: (name) => stored[name] ?? null,
    writeStored: (name, text) => {
      stored[name] = text;
    },
    registersFiles,
    readHash: () => hash,
    writeHash: (text) => written.push(text),
  };
  const lab = createLab(api, host);
  return { lab, api, runs, written, stored, state: () => lab.store.getState() };
}

/** Lets promises and scheduled flushes run. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A staged lab that has opened its model and first image and asked for both lanes. */
export async function booted(...args: Parameters<typeof stage>) {
  const set = stage(...args);
  void set.lab.boot();
  await vi.waitFor(() => expect(set.runs).toHaveLength(2));
  return set;
}

/** Answers a run with all traces and its result. */
export function complete(run: Run) {
  for (let block = 0; block < BLOCKS; block++) run.trace(block);
  run.finish();
}
