import * as Comlink from "comlink";
import type { BackendChoice, LabApi, ModelRequest } from "./api.ts";

/** The worker died (a crash, no memory): its calls can never be answered. */
export class WorkerDiedError extends Error {
  override readonly name = "WorkerDiedError";
}

/** The page's side of the worker: the same interface, whatever happens to the worker behind it. */
export interface LabClient extends LabApi {
  /** Called after a dead worker was replaced by an empty one: its model and images must be opened again. */
  onWorkerRestart(callback: (reason: string) => void): void;
  dispose(): void;
}

/**
 * Starts the worker that owns ORT. A model is opened in a worker of its own, which replaces the old one only when
 * the model has loaded whole: WASM memory never shrinks, so this is also how an old model's memory is freed.
 */
export function createLabClient(): LabClient {
  return new Client();
}

/** One worker with its proxy, and the promise that rejects when it dies. */
class WorkerHandle {
  readonly #worker = new Worker(new URL("./lab-worker.ts", import.meta.url), { type: "module" });
  readonly api = Comlink.wrap<LabApi>(this.#worker);
  readonly died: Promise<never>;

  constructor() {
    this.died = new Promise<never>((_, reject) => {
      this.#worker.addEventListener("error", (event) => {
        reject(new WorkerDiedError(`The engine stopped: ${event.message || "the worker could not run"}`));
      });
    });
    this.died.catch(() => {}); // handled by whoever waits
  }

  /** A call that does not wait for ever on a dead worker. */
  call<T>(run: (api: Comlink.Remote<LabApi>) => Promise<T>): Promise<T> {
    return Promise.race([run(this.api), this.died]);
  }

  terminate(): void {
    this.api[Comlink.releaseProxy]();
    this.#worker.terminate();
  }
}

class Client implements LabClient {
  #current = this.#watched(new WorkerHandle());
  #opening: WorkerHandle | null = null;
  #backend: BackendChoice = "auto";
  #model: ModelRequest | null = null;
  #restarted: (reason: string) => void = () => {};

  onWorkerRestart(callback: (reason: string) => void): void {
    this.#restarted = callback;
  }

  start: LabApi["start"] = (backend) => {
    this.#backend = backend;
    return this.#current.call((api) => api.start(backend));
  };

  modelChecked: LabApi["modelChecked"] = () => this.#current.call((api) => api.modelChecked());

  openModel: LabApi["openModel"] = async (request, onProgress, image, onArrival = () => {}) => {
    this.#opening?.terminate();
    // The first model needs no second worker: there is none to protect.
    const handle = this.#model ? new WorkerHandle() : this.#current;
    const isFresh = handle !== this.#current;
    this.#opening = handle;
    try {
      if (isFresh) await handle.call((api) => api.start(this.#backend));
      const info = await handle.call((api) =>
        api.openModel(request, Comlink.proxy(onProgress), image, Comlink.proxy(onArrival)),
      );
      this.#model = request;
      if (isFresh) {
        this.#current.terminate();
        this.#current = this.#watched(handle);
      }
      return info;
    } catch (error) {
      if (isFresh) handle.terminate();
      throw error;
    } finally {
      if (this.#opening === handle) this.#opening = null;
    }
  };

  loadedFiles: LabApi["loadedFiles"] = () => this.#current.call((api) => api.loadedFiles());

  lookUpModel: LabApi["lookUpModel"] = (ref) => this.#current.call((api) => api.lookUpModel(ref));

  savedModels: LabApi["savedModels"] = () => this.#current.call((api) => api.savedModels());

  deleteSavedModel: LabApi["deleteSavedModel"] = (key) =>
    this.#current.call((api) => api.deleteSavedModel(key));

  openImage: LabApi["openImage"] = (blob, name) => this.#current.call((api) => api.openImage(blob, name));

  analyse: LabApi["analyse"] = (lane, imageId, intervention, onTrace, onCalibrating) =>
    this.#current.call((api) =>
      api.analyse(lane, imageId, intervention, Comlink.proxy(onTrace), Comlink.proxy(onCalibrating)),
    );

  scene: LabApi["scene"] = (url, index) => this.#current.call((api) => api.scene(url, index));

  openMask: LabApi["openMask"] = (imageId, blob, name) =>
    this.#current.call((api) => api.openMask(imageId, blob, name));

  compareParts: LabApi["compareParts"] = (imageId, inside, onTrace) =>
    this.#current.call((api) => api.compareParts(imageId, inside, Comlink.proxy(onTrace)));

  openDataset: LabApi["openDataset"] = (request) => this.#current.call((api) => api.openDataset(request));

  evaluate: LabApi["evaluate"] = (request, onUpdate, onPreparing) =>
    this.#current.call((api) => api.evaluate(request, Comlink.proxy(onUpdate), Comlink.proxy(onPreparing)));

  openCalibration: LabApi["openCalibration"] = (request, onProgress) =>
    this.#current.call((api) => api.openCalibration(request, Comlink.proxy(onProgress)));

  experiment: LabApi["experiment"] = (request, inputs, onUpdate, onProgress) =>
    this.#current.call((api) =>
      api.experiment(request, inputs, Comlink.proxy(onUpdate), Comlink.proxy(onProgress)),
    );

  embedClasses: LabApi["embedClasses"] = (request, onProgress) =>
    this.#current.call((api) => api.embedClasses(request, Comlink.proxy(onProgress)));

  downloadText: LabApi["downloadText"] = (onProgress) =>
    this.#current.call((api) => api.downloadText(Comlink.proxy(onProgress)));

  textTower: LabApi["textTower"] = () => this.#current.call((api) => api.textTower());

  curate: LabApi["curate"] = (request, onProgress) =>
    this.#current.call((api) => api.curate(request, Comlink.proxy(onProgress)));

  openRegisters: LabApi["openRegisters"] = (file) => this.#current.call((api) => api.openRegisters(file));

  saveRegisters: LabApi["saveRegisters"] = (id) => this.#current.call((api) => api.saveRegisters(id));

  cancel: LabApi["cancel"] = (what) => {
    const handle = what === "openModel" ? this.#opening : this.#current;
    return handle ? handle.call((api) => api.cancel(what)) : Promise.resolve();
  };

  dispose(): void {
    this.#opening?.terminate();
    this.#current.terminate();
  }

  #watched(handle: WorkerHandle): WorkerHandle {
    handle.died.catch((error: Error) => {
      if (handle === this.#current) void this.#restart(error.message);
    });
    return handle;
  }

  async #restart(reason: string): Promise<void> {
    this.#current.terminate();
    const handle = new WorkerHandle();
    this.#current = handle;
    // The new worker holds no model, so the next one is opened in it and not in a second one.
    this.#model = null;
    try {
      await handle.call((api) => api.start(this.#backend));
      this.#watched(handle);
      this.#restarted(`${reason} It was restarted.`);
    } catch (error) {
      this.#restarted(`${reason} It could not be restarted: ${error}. Reload the page.`);
    }
  }
}
