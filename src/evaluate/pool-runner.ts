import { type EncoderSpec, fc1Width } from "../encoder/spec.ts";
import { CancelledError, throwIfCancelled } from "../errors/input-error.ts";
import { batchOf } from "../intervention/batch.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import type { ImageRunner } from "./image-runner.ts";
import type { PoolApi, PoolImage } from "./pool-engine.ts";
import { readable, type Unreadable } from "./run-image.ts";

/** Weight bytes that an evaluation touches (runs x bytes) from which loading further engines pays. */
const WORTH = 2e9;
/** Bytes of an engine beside its weights: cached hidden states, the runtime. */
const OVERHEAD = 160e6;
/** FP and rounded weights, and what the runtime keeps while it loads (measured at 1.1 times each). */
const COPIES = 2.2;

/**
 * How many single-thread engines an evaluation should use; below 2 it is better left to the one that is there.
 * @param need.cores that can run side by side
 * @param need.memoryBytes that all engines together may take; every one holds its own weights
 * @param need.runs images x configurations of the evaluation
 */
export function poolSize(
  spec: Pick<EncoderSpec, "blocks" | "width" | "mlpWidth" | "activation">,
  need: Readonly<Record<"cores" | "memoryBytes" | "runs", number>>,
): number {
  const { blocks, width, mlpWidth } = spec;
  // qkv, proj, fc1 and fc2 in fp32; all else is small beside them.
  const weights = 4 * blocks * width * (4 * width + fc1Width(spec) + mlpWidth);
  if (need.runs * weights < WORTH) return 1;
  return Math.max(1, Math.min(need.cores, Math.floor(need.memoryBytes / (COPIES * weights + OVERHEAD))));
}

/** Tasks that an evaluation falls into, images or batches of them; more engines than tasks would idle. */
export function taskCount(images: number, interventions: readonly Intervention[]): number {
  return Math.ceil(images / Math.max(1, ...interventions.map(({ quantize }) => batchOf(quantize))));
}

/** Whether engines of a pool can run an intervention: calibration images stay with the engine that was given them. */
export function fitsPool({ quantize }: Intervention): boolean {
  return quantize?.calibration === undefined;
}

/**
 * A runner over an engine in another thread. Files go there undecoded, so that decoding is spread as well.
 * @param died rejects when that thread ends by itself; its answers would never come
 */
export function poolRunner(api: Pick<PoolApi, "run" | "cancel">, died: Promise<never>): ImageRunner {
  return {
    async run(set, indices, interventions, signal) {
      const images: (PoolImage | Unreadable)[] = [];
      for (const i of indices) images.push(await readable(() => toPool(set, i)));
      throwIfCancelled(signal, "The evaluation");
      let cancel = () => {};
      const cancelled = new Promise<never>((_, reject) => {
        cancel = () => {
          void api.cancel();
          reject(new CancelledError("The evaluation"));
        };
      });
      signal?.addEventListener("abort", cancel);
      try {
        return await Promise.race([api.run(images, interventions), cancelled, died]);
      } finally {
        signal?.removeEventListener("abort", cancel);
      }
    },
  };
}

async function toPool(set: LabelledSet, i: number): Promise<PoolImage> {
  const id = set.id(i);
  if (set.encoded) return { id, source: { file: await set.encoded(i) } };
  return { id, source: { image: await set.image(i) } };
}
