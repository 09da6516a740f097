import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { createEngine } from "../engine/engine.ts";
import type { Runtime } from "../engine/runtime.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import type { EngineInput } from "../engine/types.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";

/**
 * For tests: a small random encoder (26 tokens, width 32) over onnxruntime-node that counts its block runs, and the sessions that
 * give their memory back after a run.
 */
export async function countingEngine(blocks: number) {
  const inner = createNodeRuntime();
  const count = { blockRuns: 0, givingBack: 0 };
  const runtime: Runtime = {
    ...inner,
    async createSession(model, memory) {
      const session = await inner.createSession(model, memory);
      if (memory?.keepsMemory === false) count.givingBack += 1;
      return {
        run(feeds, fetches) {
          if ("prefix_key" in feeds) count.blockRuns += 1;
          return session.run(feeds, fetches);
        },
        release: () => session.release(),
      };
    },
  };
  const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks, grid: 5, patch: 4 });
  const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
  return { engine: await createEngine(openEncoder(file, { config }, {}), runtime), count };
}

/** For tests: an image of that encoder, different for every `seed`. */
export function testInput(seed: number): EngineInput {
  const pixels = Float32Array.from({ length: 3 * 20 * 20 }, (_, i) => Math.sin(i * (seed + 1) * 0.37));
  return { id: `test ${seed}`, pixels };
}

/** For tests: `count` such images; labels alternate between two classes. */
export function testImages(count: number, { from = 0 } = {}): CalibrationSet {
  const load = async (i: number) => testInput(from + i);
  return {
    name: "test",
    count,
    digest: `${from} ${count}`,
    skipped: NONE_SKIPPED,
    load,
    label: (i) => i % 2,
  };
}
