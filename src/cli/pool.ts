import { availableParallelism, totalmem } from "node:os";
import { Worker } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { ImageRunner } from "../evaluate/image-runner.ts";
import type { PoolApi } from "../evaluate/pool-engine.ts";
import { poolRunner, poolSize } from "../evaluate/pool-runner.ts";
import type { Registers } from "../regcache/registers.ts";
import type { ModelFlags } from "./open-model.ts";

/** Share of the machine's memory that the engines of a pool may take together. */
const SHARE = 1 / 4;

export interface Pool {
  readonly runners: readonly ImageRunner[];
  close(): Promise<void>;
}

/**
 * Engines that an evaluation should use: what was asked for, else as many as the cores, the memory and the work allow.
 * @param runs images x configurations
 */
export function jobsFor(
  { jobs, threads = 1 }: { readonly jobs?: number | undefined; readonly threads?: number | undefined },
  spec: Pick<EncoderSpec, "blocks" | "width" | "mlpWidth" | "activation">,
  runs: number,
): number {
  if (jobs !== undefined) return jobs;
  const cores = Math.max(1, Math.floor(availableParallelism() / threads));
  return poolSize(spec, { cores, runs, memoryBytes: SHARE * totalmem() });
}

/**
 * Opens `size` engines of the model, each in a thread of its own: onnxruntime-node runs a graph on the thread that asks
 * for it, so one thread could not keep two engines busy. The same flags give the same engine.
 * @throws what ends a thread while it loads the model
 */
export async function openPool(
  flags: ModelFlags,
  registers: readonly Registers[],
  size: number,
): Promise<Pool> {
  const workers = Array.from({ length: size }, () => startWorker(flags));
  const close = async () => {
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
  };
  try {
    // Answered once the model is loaded.
    await Promise.all(workers.map(({ api, died }) => Promise.race([api.setRegisters(registers), died])));
  } catch (error) {
    await close();
    throw error;
  }
  return { runners: workers.map(({ api, died }) => poolRunner(api as unknown as PoolApi, died)), close };
}

function startWorker(flags: ModelFlags) {
  const worker = new Worker(new URL("./pool-thread.mjs", import.meta.url), {
    workerData: flags,
    stderr: true, // kept from the terminal: the progress of loading, once for every engine
  });
  const died = new Promise<never>((_, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`An evaluation engine stopped with exit code ${code}.`)));
  });
  died.catch(() => {}); // handled by whoever waits
  return { worker, died, api: Comlink.wrap<PoolApi>(nodeEndpoint(worker)) };
}
