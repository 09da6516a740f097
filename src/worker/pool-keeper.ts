import type { ImageRunner } from "../evaluate/image-runner.ts";
import { poolSize } from "../evaluate/pool-runner.ts";
import type { ModelRequest } from "./api.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { EnginePool } from "./pool.ts";

/** An unused pool gives its memory back after this, ms. */
const IDLE = 60_000;
/** Share of the device's memory that the engines of a pool may take together. */
const SHARE = 1 / 4;
/** Where the browser does not say, bytes. */
const UNKNOWN_MEMORY = 4e9;

/** Opens a pool for the loaded model when an evaluation is worth it, keeps it for the next one, and closes it. */
export class PoolKeeper {
  #pool: EnginePool | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Runs `work` on the pool's engines, or on `single` where a pool would not pay or there is no memory for it.
   * @param cores that can run side by side
   */
  async use<T>(
    model: LoadedModel & { readonly request: ModelRequest },
    { cores, runs }: { readonly cores: number; readonly runs: number },
    single: ImageRunner,
    work: (runners: readonly ImageRunner[]) => Promise<T>,
  ): Promise<T> {
    const memoryBytes = SHARE * deviceMemory();
    const size = poolSize(model.engine.spec, { cores, memoryBytes, runs });
    // WebGPU is one device: engines beside it would only be slower ones.
    if (size < 2 || model.status.backend === "webgpu") return work([single]);
    clearTimeout(this.#timer);
    this.#pool ??= await EnginePool.open(model.request, size).catch(() => null);
    if (!this.#pool) return work([single]);
    try {
      await this.#pool.setRegisters([...model.engine.registers.values()]);
      return await work(this.#pool.runners);
    } catch (error) {
      // A dead engine must not be used again; a cancelled one may still be busy with a block, which is harmless.
      if (!(error instanceof Error && error.name === "CancelledError")) this.close();
      throw error;
    } finally {
      this.#timer = setTimeout(() => this.close(), IDLE);
    }
  }

  /** Interactive work, which the pool makes way for. */
  yieldTo<T>(work: () => Promise<T>): Promise<T> {
    return this.#pool ? this.#pool.yieldTo(work) : work();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pool?.dispose();
    this.#pool = null;
  }
}

/** Bytes; browsers that say so round down and cap at 8 GB. */
function deviceMemory(): number {
  const { deviceMemory: gigabytes } = navigator as { deviceMemory?: number };
  return gigabytes === undefined ? UNKNOWN_MEMORY : gigabytes * 1e9;
}
