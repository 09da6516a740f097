import type { SavedModel } from "../cache/model-storage.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { HubRequest } from "../evaluate/hub-dataset.ts";
import type { Configuration, EvaluationProgress, EvaluationReport } from "../evaluate/report.ts";
import type { Skipped } from "../evaluate/skipped.ts";
import type { HeadChoice } from "../evaluate/unfitted-head.ts";
import type { ModelOverrides } from "../families/overrides.ts";
import type { HubRef } from "../hub/hub-ref.ts";
import type { Keep } from "../image/mask.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { CurationSettings } from "../regcache/curate.ts";
import type { Registers, RegistersSet } from "../regcache/registers.ts";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import type { ExperimentApi } from "./experiment-api.ts";
import type { HubModelRequest, ModelOffer, TextTowerInfo } from "./hub-api.ts";

export type { ModelOverrides } from "../families/overrides.ts";
export type { DownloadCheck, HubModelRequest, ModelOffer, TextOffer, TextTowerInfo } from "./hub-api.ts";

/**
 * The interface between the page and the worker that owns ORT and the weights. The page's client
 * (client.ts) and the worker (lab-worker.ts) both implement it, so the worker is optional in tests.
 * Everything that crosses is plain data or typed arrays.
 */

/** `auto` uses WebGPU only on a real adapter, and only after it reproduced WASM on the loaded model. */
export type BackendChoice = "auto" | "wasm" | "webgpu";

export interface EngineStatus {
  readonly backend: "wasm" | "webgpu";
  readonly threads: number;
  readonly crossOriginIsolated: boolean;
  /** Why WebGPU is not in use, or null when it is: e.g. "no adapter", "differed from WASM by 3e-3". */
  readonly webgpuRefusal: string | null;
}

export interface ModelInfo {
  readonly spec: EncoderSpec;
  /** Of model.safetensors, hex. */
  readonly sha256: string;
  /** Bytes of model.safetensors. */
  readonly bytes: number;
  /** Registers that came with the model or were curated or opened for it. */
  readonly registers: readonly RegistersInfo[];
  readonly status: EngineStatus;
  /** The checkpoint's text tower, for zero-shot classification; null = it has none. */
  readonly text: TextTowerInfo | null;
  /** Whether its bytes were checked, as far as they can be, or still are while it is in use, or failed the check. */
  readonly integrity: "checked" | "checking" | "damaged";
}

export interface RegistersInfo {
  readonly id: string;
  /** The method's `outliers`, or what the paper compares them with. */
  readonly kind: Registers["kind"];
  /** Equal for all kinds and groupings of one curation. */
  readonly curation: string;
  /** E.g. "after blocks 3 to 6, 30 images of photos". */
  readonly label: string;
  /** Blocks after whose output the candidates were chosen: `from`..`block`. */
  readonly from: number;
  readonly block: number;
  readonly candidates: number;
  /** Distinct registers that they are grouped into, at least 1. */
  readonly distinct: number;
  readonly images: number;
  /** Mean pairwise cosine among the curated tokens' states after `block`, and among random other tokens. */
  readonly cosine: { readonly outliers: number; readonly normal: number };
  /** Each of several image sets that they were curated from. */
  readonly sets?: readonly RegistersSet[] | undefined;
  /** Images that could not be read when they were curated here; absent for registers of a file. */
  readonly skipped?: Skipped;
}

/** An image file as the page holds it. */
export interface NamedImage {
  readonly name: string;
  readonly blob: Blob;
}

/** A scene of the bundled set and its exact mask, white = foreground. */
export interface Scene {
  readonly image: NamedImage;
  readonly mask: NamedImage;
}

export interface ImageInfo {
  /** Of the file's bytes: equal files have equal ids. */
  readonly id: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** What the encoder sees after resize and crop: RGBA, [size, size, 4]. */
  readonly view: { readonly size: number; readonly rgba: Uint8ClampedArray };
}

/** Where a model comes from. */
export type ModelRequest =
  | { readonly kind: "bundled" /** Absolute URL of the folder. */; readonly url: string }
  | {
      readonly kind: "files";
      /** model.safetensors, and optionally config.json, registers.safetensors and, for a text tower, tokenizer.json. */
      readonly files: readonly File[];
      readonly overrides?: ModelOverrides;
    }
  | HubModelRequest;

export interface Progress {
  /** E.g. "Reading weights", "Block 3 of 12". */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** A block of a model that is being opened, run on the image that was named with it; its weights are not checked yet. */
export interface Arrival {
  readonly spec: EncoderSpec;
  readonly trace: LayerTrace;
}

/** The inputs of the foreground/background comparison. */
export type MaskPart = "original" | Keep;

/** Two lanes run independently: the baseline beside the intervention. New work in a lane cancels its old work. */
export type Lane = "baseline" | "intervention";

/** Where labelled images come from. */
export type ImageSource =
  | {
      readonly kind: "sheet";
      /** Absolute URL of the folder of the bundled set. */
      readonly url: string;
    }
  | {
      readonly kind: "files";
      /** The folder's name. */
      readonly name: string;
      readonly files: readonly { readonly path: string; readonly file: File }[];
      /** Paths of the folders in it, where they are known. */
      readonly folders: readonly string[];
    }
  | { readonly kind: "zip"; readonly file: File }
  | { readonly kind: "hub"; readonly request: HubRequest };

export interface DatasetRequest {
  readonly images: ImageSource;
  /** Images that a probe is fitted on; null = the bundled set's own, else a fifth held out of `images`. */
  readonly probe: ImageSource | null;
}

/** A labelled set that is open in the worker. */
export interface DatasetInfo {
  readonly id: string;
  readonly name: string;
  readonly classes: readonly string[];
  /** Images that can be evaluated when the own head is used; a held-out probe takes its part of them. */
  readonly count: number;
  /** Digest of names and sizes: equal for equal sets; null = cannot be known again. */
  readonly fingerprint: string | null;
}

export interface EvaluationRequest extends HeadChoice {
  readonly configurations: readonly Configuration[];
  /** Id of an opened data set. */
  readonly dataset: string;
  readonly limit: number;
  readonly seed: number;
  /** Whether prefix and deletion were chosen on the data set's probe images, which are then not evaluated. */
  readonly choseOnProbe: boolean;
  /** An earlier report of the same evaluation, to go on after. Rejects with InputError when it is of another one. */
  readonly resume?: EvaluationProgress;
}

/** Images that something is learnt from, without regard to labels. */
export type LearningImages =
  /** The probe images of an opened data set. */
  | { readonly kind: "probe"; readonly dataset: string }
  /** The user's own: the union of one set or several. */
  | { readonly kind: "own"; readonly sources: readonly ImageSource[] };

export interface CurationRequest {
  readonly images: LearningImages;
  /** At most so many of each set, the first of the order of seed 0. */
  readonly limit: number;
  readonly settings: CurationSettings;
}

/** Images that quantizers are calibrated on. */
export interface CalibrationRequest {
  /** What interventions name them by. */
  readonly name: string;
  readonly images: LearningImages;
  /** At most so many of each set, the first of the order of seed 0. */
  readonly limit: number;
}

/** Calibration images that are open in the worker. */
export interface CalibrationInfo {
  readonly name: string;
  readonly count: number;
  /** What they are the first images of, for people. */
  readonly set: string;
  /** Images that could not be read; `count` is without them. */
  readonly skipped: Skipped;
}

/** What zero-shot classification chooses among. */
export interface ClassesRequest {
  readonly classes: readonly string[];
  /** Prompt templates, each with {} for the class name. */
  readonly templates: readonly string[];
}

export interface LabApi extends ExperimentApi {
  /** Prepares ORT. */
  start(backend: BackendChoice): Promise<EngineStatus>;
  /**
   * Replaces the current model only when the new one has loaded whole; rejects with InputError otherwise. With an `image`,
   * `onArrival` is called for every block that has run on it as soon as its weights were there.
   */
  openModel(
    request: ModelRequest,
    onProgress: (progress: Progress) => void,
    image?: NamedImage | null,
    onArrival?: (arrival: Arrival) => void,
  ): Promise<ModelInfo>;
  /**
   * Waits for the check of the current model's bytes; rejects with InputError when they were damaged on the way: then what is
   * saved of it has been deleted. All work that has a lasting result waits for it by itself.
   */
  modelChecked(): Promise<void>;
  /** Addresses of what the worker has loaded: ORT's files, the bundled model. */
  loadedFiles(): Promise<readonly string[]>;
  /** Looks a model of the Hub up without fetching its weights: only the list of files and the header. Rejects with InputError. */
  lookUpModel(ref: HubRef): Promise<ModelOffer>;
  /** Models in the browser's storage, whole or in part. */
  savedModels(): Promise<readonly SavedModel[]>;
  deleteSavedModel(key: string): Promise<void>;
  /** Decodes and prepares an image for the current model; rejects with InputError. */
  openImage(blob: Blob, name: string): Promise<ImageInfo>;
  /**
   * Runs a lane; `onTrace` is called block by block, in order, while later blocks still compute, and `onCalibrating` while the
   * quantizer is calibrated first.
   */
  analyse(
    lane: Lane,
    imageId: string,
    intervention: Intervention,
    onTrace: (trace: LayerTrace) => void,
    onCalibrating: (progress: Progress) => void,
  ): Promise<RunResult>;
  /**
   * A scene of the bundled test set by its number, as files. Rejects with InputError when there is none of that number.
   * @param url absolute, of the set's folder
   */
  scene(url: string, index: number): Promise<Scene>;
  /** Reads a mask for an opened image, as the encoder sees it: 1 = foreground, [size, size]. Rejects with InputError. */
  openMask(imageId: string, blob: Blob, name: string): Promise<Uint8Array>;
  /**
   * The unmodified encoder on the whole image, its foreground only and its background only (paper, Figure 4). `onTrace` is
   * called block by block.
   */
  compareParts(
    imageId: string,
    inside: Uint8Array,
    onTrace: (part: MaskPart, trace: LayerTrace) => void,
  ): Promise<void>;
  /** Opens a labelled set, to be evaluated by its id; only its list of images is read. Rejects with InputError. */
  openDataset(request: DatasetRequest): Promise<DatasetInfo>;
  /** Opens images that interventions may be calibrated on by their name; each is read once. Rejects with InputError. */
  openCalibration(
    request: CalibrationRequest,
    onProgress: (progress: Progress) => void,
  ): Promise<CalibrationInfo>;
  /**
   * Runs a labelled set, on a pool of engines where that pays; `onUpdate` is called now and then, with the number of
   * engines at work, and `onPreparing` while a probe is fitted or a quantizer is calibrated. The result does not depend on the
   * number of engines. Interactive runs go first.
   */
  evaluate(
    request: EvaluationRequest,
    onUpdate: (report: EvaluationReport, engines: number) => void,
    onPreparing: (progress: Progress) => void,
  ): Promise<EvaluationReport>;
  /**
   * Class embeddings by the current model's text tower; they come from a cache when they were made before. Rejects with
   * InputError when text tower or tokenizer are missing or the lists are not right.
   */
  embedClasses(request: ClassesRequest, onProgress: (progress: Progress) => void): Promise<ClassEmbeddings>;
  /** Downloads the current model's text tower whole; rejects with InputError, and what arrived is kept. */
  downloadText(onProgress: (progress: Progress) => void): Promise<void>;
  /** What of the current model's text tower is here now; null = it has none. */
  textTower(): Promise<TextTowerInfo | null>;
  /**
   * Curates registers for the current model from images (paper, step 2 and 3). The method's come first, then the prefixes that the
   * paper compares them with, from the same images.
   */
  curate(
    request: CurationRequest,
    onProgress: (progress: Progress) => void,
  ): Promise<readonly [RegistersInfo, ...RegistersInfo[]]>;
  /** Reads a registers file; rejects with InputError when it was made for another model. */
  openRegisters(file: Blob): Promise<RegistersInfo>;
  /** The registers as a safetensors file. */
  saveRegisters(id: string): Promise<Uint8Array>;
  /** Cancels work of this name, or a lane's `analyse`. */
  cancel(
    what:
      | Lane
      | "mask"
      | "openCalibration"
      | "evaluate"
      | "experiment"
      | "curate"
      | "embedClasses"
      | "downloadText"
      | "openModel"
      | "lookUpModel",
  ): Promise<void>;
}
