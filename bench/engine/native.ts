import { memorySource } from "../../src/checkpoint/byte-source.ts";
import { openSafetensors } from "../../src/checkpoint/safetensors.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createNodeRuntime } from "../../src/engine/runtime-node.ts";
import { openEncoder } from "../../src/families/index.ts";
import { randomCheckpoint, VIT_B16 } from "../../src/families/random-checkpoint.ts";
import { calibrate, runLean } from "./lean.ts";
import { type LeanTimes, noTimes, wavyPixels } from "./measures.ts";

/** FP32 and int8 as the command line's evaluation runs them: ViT-B/16 size, onnxruntime-node, one thread. */
export async function measureNative(rounds: number): Promise<LeanTimes> {
  const { bytes, config } = randomCheckpoint({ ...VIT_B16, classes: 0 });
  const encoder = openEncoder(await openSafetensors(memorySource(bytes, "random")), { config }, {});
  const engine = await createEngine(encoder, createNodeRuntime(), { instruments: false });
  const pixels = wavyPixels(encoder.spec.preprocess.size);
  const times = noTimes();
  calibrate(engine, pixels);
  // Round -1 warms up.
  for (let round = -1; round < rounds; round++) {
    await runLean(engine, pixels, round, round < 0 ? null : times);
  }
  await engine.dispose();
  return times;
}
