import type { Engine, EngineInput } from "../engine/types.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { Registers } from "../regcache/registers.ts";
import type { ImageFile } from "./dataset.ts";
import { type ImageOutcome, readable, runImages, type Unreadable } from "./run-image.ts";

/** An image on its way to another thread: decoded there where it can be. */
export interface PoolImage {
  readonly id: string;
  readonly source: { readonly file: ImageFile } | { readonly image: RgbaImage };
}

/** What one engine of a pool does for the thread that owns the pool; plain data crosses. */
export interface PoolApi {
  /** Replaces the registers that interventions may name. */
  setRegisters(registers: readonly Registers[]): Promise<void>;
  /** One image, or those of a batch, through all interventions; unreadable ones stay what they are. One call at a time. */
  run(
    images: readonly (PoolImage | Unreadable)[],
    interventions: readonly Intervention[],
  ): Promise<readonly ImageOutcome[]>;
  /** Cancels `run` before its next block. */
  cancel(): Promise<void>;
  /** Holds `run` before its next block, so that interactive work has the processor. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** One engine of a pool, in its own thread. */
export class PoolEngine implements PoolApi {
  readonly #engine: Engine;
  readonly #decode: (file: ImageFile) => Promise<RgbaImage>;
  #running: AbortController | null = null;
  /** Pending while the pool is paused. */
  #gate: { readonly open: Promise<void>; release(): void } | null = null;

  constructor(engine: Engine, decode: (file: ImageFile) => Promise<RgbaImage>) {
    this.#engine = engine;
    this.#decode = decode;
  }

  async setRegisters(registers: readonly Registers[]): Promise<void> {
    for (const entry of registers) this.#engine.addRegisters(entry);
  }

  async run(
    images: readonly (PoolImage | Unreadable)[],
    interventions: readonly Intervention[],
  ): Promise<readonly ImageOutcome[]> {
    const controller = new AbortController();
    this.#running = controller;
    const inputs: (EngineInput | Unreadable)[] = [];
    for (const image of images) {
      inputs.push("unreadable" in image ? image : await readable(() => this.#prepare(image)));
    }
    const betweenBlocks = () => this.#turn();
    return runImages(this.#engine, inputs, interventions, { signal: controller.signal, betweenBlocks });
  }

  async #prepare({ id, source }: PoolImage): Promise<EngineInput> {
    const image = "image" in source ? source.image : await this.#decode(source.file);
    return { id, pixels: prepareImage(image, this.#engine.spec.preprocess).pixels };
  }

  async cancel(): Promise<void> {
    this.#running?.abort();
    await this.resume();
  }

  async pause(): Promise<void> {
    if (this.#gate) return;
    let release = () => {};
    const open = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#gate = { open, release };
  }

  async resume(): Promise<void> {
    this.#gate?.release();
    this.#gate = null;
  }

  /** Between two blocks: lets messages of the owner in, and waits while it says so. */
  async #turn(): Promise<void> {
    await nextTask();
    await this.#gate?.open;
  }
}

/** Waits for the next task: unlike a timer it costs microseconds, unlike a microtask it lets messages in. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
