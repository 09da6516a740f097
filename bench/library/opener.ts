/** One library in a worker of its own, so that every round starts from nothing. Times are milliseconds. */
export interface Opener {
  /** Answers once the worker's modules are loaded. */
  ready(): Promise<void>;
  /** Opens the model, from the first request until it can run. @param keeps whether the download is kept in the browser */
  open(hub: string, keeps: boolean): Promise<number>;
  /** Checks what was opened, as far as the library does; milliseconds beyond `open`. */
  check(): Promise<number>;
  /** One image, [3, size, size] normalised pixels; `feature` is the final CLS state. */
  run(pixels: Float32Array, size: number): Promise<{ milliseconds: number; feature: Float32Array }>;
}

export interface RegscopeOpener extends Opener {
  /** Opens the model that is saved as an engine of evaluations does: without instruments. */
  openLean(hub: string): Promise<void>;
}

/** Same weights on the test Hub: as a checkpoint, and as ONNX. */
export const CHECKPOINT = "owner/vit-b16";
export const ONNX = "owner/vit-b16-onnx";
/** WASM threads of both. */
export const THREADS = 1;
