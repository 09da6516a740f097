import { LRUCache } from "lru-cache";
import { deleteSaved, listSaved } from "../cache/saved-models.ts";
import { blobSource } from "../checkpoint/byte-source.ts";
import { initialiseOrt } from "../engine/runtime-web.ts";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { engineRunner, type ImageRunner } from "../evaluate/image-runner.ts";
import { fitsPool, taskCount } from "../evaluate/pool-runner.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { prepareMask } from "../image/mask.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { interventionSchema, NO_INTERVENTION } from "../intervention/intervention.ts";
import { loadedFiles } from "../offline/site-files.ts";
import { readRegisters, writeRegisters } from "../regcache/registers-file.ts";
import type { BackendChoice, EngineStatus, LabApi, LearningImages, ModelRequest, Progress } from "./api.ts";
import { refusalBeforeTrial } from "./backend.ts";
import { Calibrations } from "./calibrations.ts";
import { curateRegisters } from "./curation.ts";
import { type OpenDataset, openDataset, openImages } from "./datasets.ts";
import { decodeImage } from "./decode.ts";
import { evaluateDataset, hasRegistersOf } from "./evaluation.ts";
import type { ExperimentProgress, ExperimentUpdate } from "./experiment-api.ts";
import { parseExperimentRequest, parseResume, runExperiment } from "./experiments.ts";
import { Jobs } from "./jobs.ts";
import { type LoadedModel, loadModel, modelInfo, registersInfo, textTowerInfo } from "./loaded-model.ts";
import { lookUpModel } from "./look-up-model.ts";
import { compareParts } from "./masks.ts";
import { ModelCheck } from "./model-check.ts";
import { type OpenedImage, openImage } from "./open-image.ts";
import { PoolKeeper } from "./pool-keeper.ts";
import { readScene } from "./scenes.ts";
import { embedWithText, type TextSource } from "./text-tower.ts";
import { calibrateCores, threadsFor } from "./threads.ts";

/** Images whose pixels are kept; the page shows one, but may go back to the last few. */
const MOST_IMAGES = 16;

/** Least time between two reports of an evaluation, ms. */
const UPDATE_INTERVAL = 50;

/** The lab behind {@link LabApi}: it owns ORT, the weights and the opened images. Lives in a worker. */
export class Lab implements LabApi {
  readonly #jobs = new Jobs();
  readonly #pool = new PoolKeeper();
  readonly #images = new LRUCache<string, OpenedImage>({ max: MOST_IMAGES });
  #backend: BackendChoice = "auto";
  #cores = 1;
  #threads = 1;
  #initialised = false;
  #model: (LoadedModel & { readonly request: ModelRequest }) | null = null;
  #check = new ModelCheck(null);
  /** The latest only: it holds the files of its list. */
  #dataset: OpenDataset | null = null;
  #datasetCount = 0;
  /** Of that set: the same in another worker, so that an experiment calibrated on its images can go on there. */
  #datasetName = "";
  #calibrations = new Calibrations();

  start: LabApi["start"] = async (backend): Promise<EngineStatus> => {
    this.#backend = backend;
    if (!this.#initialised) {
      this.#cores = await calibrateCores();
      this.#threads = threadsFor(this.#cores);
      const triesWebgpu = (await refusalBeforeTrial(backend)) === null;
      initialiseOrt(this.#threads, triesWebgpu ? "asyncify" : "plain");
      this.#initialised = true;
    }
    return {
      backend: "wasm",
      threads: this.#threads,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      webgpuRefusal: "it is tried when a model is opened",
    };
  };

  openModel: LabApi["openModel"] = (request, onProgress, image, onArrival) =>
    this.#jobs.run("openModel", async (signal) => {
      const choice = { backend: this.#backend, threads: this.#threads, defersCheck: true };
      const model = await loadModel(request, choice, onProgress, signal, async (spec) => {
        if (!image) return null;
        const { input } = await openImage(image, spec.preprocess);
        return { input, onTrace: (trace) => onArrival?.({ spec, trace }) };
      });
      const previous = this.#model;
      this.#model = { ...model, request };
      this.#check.stop();
      this.#check = new ModelCheck(model.check);
      this.#pool.close();
      this.#images.clear();
      this.#calibrations = new Calibrations();
      await previous?.engine.dispose();
      return modelInfo(model);
    });

  modelChecked: LabApi["modelChecked"] = () => this.#check.wait();

  loadedFiles: LabApi["loadedFiles"] = async () => loadedFiles();

  lookUpModel: LabApi["lookUpModel"] = (ref) =>
    this.#jobs.run("lookUpModel", (signal) => lookUpModel(ref, signal));

  savedModels: LabApi["savedModels"] = () => listSaved();

  deleteSavedModel: LabApi["deleteSavedModel"] = (key) => deleteSaved(key);

  openImage: LabApi["openImage"] = async (blob, name) => {
    const { input, info } = await openImage({ blob, name }, this.#loaded().engine.spec.preprocess);
    this.#images.set(info.id, { input, info });
    return info;
  };

  analyse: LabApi["analyse"] = (lane, imageId, intervention, onTrace, onCalibrating) =>
    this.#jobs.run(lane, (signal) => {
      const { engine } = this.#loaded();
      const { input } = this.#image(imageId);
      // Callbacks travel on a port of their own: waiting for all of them keeps the result from overtaking them.
      const told: unknown[] = [];
      const wanted = this.#calibrations.resolve(interventionSchema.parse(intervention));
      const run = engine.run(input, wanted, { signal });
      const stream = async () => {
        for (let step = await run.next(); ; step = await run.next()) {
          if (step.done) {
            await Promise.all(told);
            return step.value;
          }
          told.push(onTrace(step.value));
        }
      };
      return this.#pool.yieldTo(() => this.#calibrations.telling(onCalibrating, stream));
    });

  scene: LabApi["scene"] = async (url, index) => readScene(await openImages({ kind: "sheet", url }), index);

  openMask: LabApi["openMask"] = async (imageId, blob, name) => {
    const { engine } = this.#loaded();
    const { info } = this.#image(imageId);
    const mask = await decodeImage(blob, name);
    return prepareMask(mask, info, engine.spec.preprocess, name);
  };

  compareParts: LabApi["compareParts"] = (imageId, inside, onTrace) =>
    this.#jobs.run("mask", (signal) => {
      const { engine } = this.#loaded();
      const { input } = this.#image(imageId);
      return this.#pool.yieldTo(() => compareParts(engine, input, inside, onTrace, signal));
    });

  openDataset: LabApi["openDataset"] = async (request) => {
    const opened = await openDataset(request, `set-${++this.#datasetCount}`);
    const isBundled = request.images.kind === "sheet" && request.probe === null;
    this.#dataset = opened;
    this.#datasetName = opened.info.fingerprint ?? (isBundled ? "bundled" : opened.info.id);
    return opened.info;
  };

  openCalibration: LabApi["openCalibration"] = (request, onProgress) =>
    // Lane and accuracy may each want images of their own.
    this.#jobs.runBeside("openCalibration", async (signal) => {
      const { images } = request;
      // Another set may be opened while these are.
      const named = images.kind === "probe" ? { ...images, dataset: this.#datasetName } : images;
      const sets = await this.#learningImages(images);
      const onStage = (stage: string, done: number, total: number) => onProgress({ stage, done, total });
      const { engine } = this.#loaded();
      return this.#calibrations.add(engine, { ...request, images: named }, sets, {
        signal,
        onProgress: onStage,
      });
    });

  evaluate: LabApi["evaluate"] = (request, onUpdate, onPreparing) =>
    this.#jobs.run("evaluate", async (signal) => {
      const model = await this.#checked(signal, onPreparing);
      const { engine } = model;
      const dataset = this.#opened(request.dataset);
      const prepare = (image: RgbaImage) => prepareImage(image, engine.spec.preprocess).pixels;
      const { limit } = request;
      const configurations = request.configurations.map(({ name, intervention }) => ({
        name,
        intervention: this.#calibrations.resolve(intervention),
      }));
      const { fingerprint } = dataset.info;
      const own = dataset.whole.fingerprint ?? null;
      const asked = request.configurations.map(({ intervention }) => intervention);
      const wanted = {
        ...request,
        configurations,
        sparesProbe:
          request.choseOnProbe ||
          asked.some(
            (each) => this.#calibrations.takesProbe(each) || hasRegistersOf(fingerprint, engine, each),
          ),
        sparesFifth: own !== fingerprint && asked.some((each) => hasRegistersOf(own, engine, each)),
      };
      const images = Math.min(limit, dataset.info.count);
      const interventions = configurations.map(({ intervention }) => intervention);
      const engines = interventions.every(fitsPool) ? taskCount(images, interventions) : 1;
      const need = { cores: Math.min(this.#cores, engines), runs: images * configurations.length };
      const measure = async (runners: readonly ImageRunner[]) => {
        let last: EvaluationReport | null = null;
        let told = Number.NEGATIVE_INFINITY;
        for await (last of evaluateDataset(engine, runners, dataset, wanted, signal, onPreparing)) {
          // Waiting for the page after every image would hold several engines up.
          if (performance.now() - told < UPDATE_INTERVAL) continue;
          told = performance.now();
          await onUpdate(last, runners.length);
        }
        return last!;
      };
      return this.#calibrations.telling(onPreparing, () =>
        this.#pool.use(model, need, engineRunner(engine, prepare), measure),
      );
    });

  experiment: LabApi["experiment"] = (message, inputs, onUpdate, onProgress) =>
    this.#jobs.run("experiment", async (signal) => {
      const request = parseExperimentRequest(message);
      const given = { ...inputs, resume: parseResume(inputs.resume) };
      const dataset = this.#opened(request.dataset);
      let told = Number.NEGATIVE_INFINITY;
      const tell = async (update: ExperimentUpdate) => {
        if (performance.now() - told < UPDATE_INTERVAL) return;
        told = performance.now();
        await onUpdate(update);
      };
      const keep = async (progress: ExperimentProgress) => onProgress(progress);
      const hears = { tell, keep };
      const onPreparing = (progress: Progress) => void tell({ progress, result: null });
      const asked = this.#calibrations.resolve({ ...NO_INTERVENTION, quantize: request.quantize });
      const resolved = { ...request, quantize: asked.quantize ?? request.quantize };
      const model = await this.#checked(signal, onPreparing);
      const work = () => runExperiment(model, dataset, resolved, given, hears, signal);
      return { result: await this.#calibrations.telling(onPreparing, work) };
    });

  embedClasses: LabApi["embedClasses"] = (request, onProgress) =>
    this.#jobs.run("embedClasses", async (signal) => {
      const { engine, sha256 } = await this.#checked(signal, onProgress);
      return embedWithText(this.#text(), sha256, request, engine, onProgress, signal);
    });

  downloadText: LabApi["downloadText"] = (onProgress) =>
    this.#jobs.run("downloadText", async (signal) => {
      await this.#checked(signal, onProgress);
      await this.#text().hub?.fetch("whole", onProgress, signal);
    });

  textTower: LabApi["textTower"] = async () => textTowerInfo(this.#loaded());

  curate: LabApi["curate"] = (request, onProgress) =>
    this.#jobs.run("curate", async (signal) => {
      const model = await this.#checked(signal, onProgress);
      const { images } = request;
      const sets = await this.#learningImages(images);
      const probeOf = images.kind === "probe" ? this.#opened(images.dataset).info.fingerprint : null;
      return curateRegisters(model, sets, probeOf, request, onProgress, signal);
    });

  openRegisters: LabApi["openRegisters"] = async (file) => {
    const { engine, sha256 } = this.#loaded();
    const name = file instanceof File ? file.name : "registers";
    const registers = await readRegisters(blobSource(file, name), { sha256, spec: engine.spec });
    engine.addRegisters(registers);
    return registersInfo(registers);
  };

  saveRegisters: LabApi["saveRegisters"] = async (id) => {
    const registers = this.#loaded().engine.registers.get(id);
    if (!registers) {
      throw new InputError("Registers", "registers of the loaded model", `"${id}"`, "Curate them again.");
    }
    return writeRegisters(registers);
  };

  cancel: LabApi["cancel"] = async (what) => this.#jobs.cancel(what);

  async #learningImages(images: LearningImages): Promise<LabelledSet[]> {
    if (images.kind === "own") return Promise.all(images.sources.map(openImages));
    return [(await this.#opened(images.dataset).probeParts()).probe];
  }

  #text(): TextSource {
    const { text } = this.#loaded();
    if (text) return text;
    const remedy =
      "Open the whole checkpoint of a CLIP, OpenCLIP or SigLIP model for zero-shot classification.";
    throw new InputError("Model", "a text tower", "a checkpoint without one", remedy);
  }

  #image(id: string): OpenedImage {
    const image = this.#images.get(id);
    if (image) return image;
    throw new InputError("Image", "an opened image", `"${id}"`, "Open the image again.");
  }

  #opened(id: string): OpenDataset {
    if (this.#dataset?.info.id === id) return this.#dataset;
    throw new InputError("Data set", "an opened one", `"${id}"`, "Open it again.");
  }

  /** The model for work whose result lasts, which damaged weights must not leave anything in. */
  async #checked(signal: AbortSignal, tell: (progress: Progress) => void) {
    const model = this.#loaded();
    await this.#check.wait(signal, tell);
    return model;
  }

  #loaded(): LoadedModel & { readonly request: ModelRequest } {
    if (this.#model) return this.#model;
    throw new InputError("Model", "an opened model", "none", "Wait until the model has loaded, or open one.");
  }
}
