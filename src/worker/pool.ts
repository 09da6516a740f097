import * as Comlink from "comlink";
import type { ImageRunner } from "../evaluate/image-runner.ts";
import type { PoolApi } from "../evaluate/pool-engine.ts";
import { poolRunner } from "../evaluate/pool-runner.ts";
import type { Registers } from "../regcache/registers.ts";
import type { ModelRequest } from "./api.ts";
import type { PoolWorkerApi } from "./pool-worker.ts";

interface Member {
  readonly worker: Worker;
  readonly api: Comlink.Remote<PoolApi>;
  readonly runner: ImageRunner;
}

/**
 * Engines of one WASM thread each, every one in a worker of its own with its own copy of the model: evaluation uses all
 * cores, which threads inside one small operator cannot.
 */
export class EnginePool {
  #paused = 0;

  private constructor(private readonly members: readonly Member[]) {}

  /** @throws InputError, or what ended a worker (no memory), with nothing left behind */
  static async open(request: ModelRequest, size: number): Promise<EnginePool> {
    const workers = Array.from(
      { length: size },
      () => new Worker(new URL("./pool-worker.ts", import.meta.url), { type: "module" }),
    );
    try {
      return new EnginePool(await Promise.all(workers.map((worker) => openMember(worker, request))));
    } catch (error) {
      for (const worker of workers) worker.terminate();
      throw error;
    }
  }

  get runners(): readonly ImageRunner[] {
    return this.members.map(({ runner }) => runner);
  }

  async setRegisters(registers: readonly Registers[]): Promise<void> {
    await Promise.all(this.members.map(({ api }) => api.setRegisters(registers)));
  }

  /** Holds all engines while `work` runs, so that interactive work has the processor; calls may overlap. */
  async yieldTo<T>(work: () => Promise<T>): Promise<T> {
    if (this.#paused++ === 0) for (const { api } of this.members) void api.pause();
    try {
      return await work();
    } finally {
      if (--this.#paused === 0) for (const { api } of this.members) void api.resume();
    }
  }

  dispose(): void {
    for (const { worker } of this.members) worker.terminate();
  }
}

async function openMember(worker: Worker, request: ModelRequest): Promise<Member> {
  const died = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => {
      reject(new Error(`An evaluation engine stopped: ${event.message || "its worker could not run"}`));
    });
  });
  died.catch(() => {}); // handled by whoever waits
  const opening = Comlink.wrap<PoolWorkerApi>(worker).open(request);
  const api = (await Promise.race([opening, died])) as unknown as Comlink.Remote<PoolApi>;
  return { worker, api, runner: poolRunner(api as unknown as PoolApi, died) };
}
