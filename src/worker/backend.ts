import type { EncoderSpec } from "../encoder/spec.ts";
import type { EncoderWeights } from "../encoder/weights.ts";
import { runDifference } from "../engine/agreement.ts";
import { collect } from "../engine/collect.ts";
import { createEngine, type EngineOptions } from "../engine/engine.ts";
import { createWebRuntime } from "../engine/runtime-web.ts";
import type { Engine, EngineInput } from "../engine/types.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { BackendChoice } from "./api.ts";

export interface OpenedEngine {
  readonly engine: Engine;
  readonly backend: "wasm" | "webgpu";
  /** Why WebGPU is not in use; null when it is. */
  readonly webgpuRefusal: string | null;
}

interface Encoder {
  readonly spec: EncoderSpec;
  readonly weights: EncoderWeights;
}

interface LoadOptions extends Pick<EngineOptions, "instruments" | "first"> {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Largest relative difference between backends that still counts as the same result. */
const AGREEMENT = 1e-3;

/** Loads the encoder on WASM, and moves it to WebGPU only if that reproduces a whole run of this very model. */
export async function openEngine(
  encoder: Encoder,
  choice: BackendChoice,
  options: LoadOptions,
): Promise<OpenedEngine> {
  const wasm = await createEngine(encoder, createWebRuntime("wasm"), options);
  const refusal = await refusalBeforeTrial(choice);
  if (refusal !== null) return { engine: wasm, backend: "wasm", webgpuRefusal: refusal };
  let webgpu: Engine | null = null;
  try {
    // What ran first ran on WASM; the whole model is compared below.
    webgpu = await createEngine(encoder, createWebRuntime("webgpu"), { ...options, first: null });
    const input = trialInput(encoder.spec);
    const reference = await collect(wasm.run(input, NO_INTERVENTION, options));
    const trial = await collect(webgpu.run(input, NO_INTERVENTION, options));
    const difference = runDifference(reference, trial);
    if (difference <= AGREEMENT) {
      await wasm.dispose();
      return { engine: webgpu, backend: "webgpu", webgpuRefusal: null };
    }
    await webgpu.dispose();
    return {
      engine: wasm,
      backend: "wasm",
      webgpuRefusal: `its result differed from WASM's by ${difference.toExponential(1)} (at most ${AGREEMENT} is accepted)`,
    };
  } catch (error) {
    await webgpu?.dispose();
    if (options.signal.aborted) {
      await wasm.dispose();
      throw error;
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { engine: wasm, backend: "wasm", webgpuRefusal: `it failed on this model: ${reason}` };
  }
}

/** Why not even to try WebGPU, or null. */
export async function refusalBeforeTrial(choice: BackendChoice): Promise<string | null> {
  if (choice === "wasm") return "WASM was chosen";
  if (!navigator.gpu) return "this browser does not offer it";
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  if (!adapter) return "no adapter was found";
  const software = adapter.info?.isFallbackAdapter || adapter.info?.architecture === "swiftshader";
  // Correct, but far slower than WASM; it can still be asked for by name.
  if (software && choice === "auto") return "the only adapter is a software one, slower than WASM";
  return null;
}

/** Fixed pseudo-random pixels, about standard normal: every patch differs, and every machine gets the same. */
function trialInput(spec: EncoderSpec): EngineInput {
  const side = spec.preprocess.size;
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const pixels = Float32Array.from({ length: 3 * side * side }, () => (next() + next() + next()) * 2 - 3);
  return { id: "backend-trial", pixels };
}
