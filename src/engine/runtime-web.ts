import glueUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import * as ort from "onnxruntime-web/webgpu";
import { wrapSession } from "./ort-session.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Sets ORT up in this worker; once, before the first session.
 * @param threads WASM threads; above 1 only with cross-origin isolation
 */
export function initialiseOrt(threads: number): void {
  ort.env.wasm.numThreads = threads;
  // Absolute, because pthread workers resolve them from elsewhere.
  const base = globalThis.location.href;
  ort.env.wasm.wasmPaths = { mjs: new URL(glueUrl, base).href, wasm: new URL(wasmUrl, base).href };
  ort.env.logLevel = "error";
}

/** onnxruntime-web on one execution provider. The asyncify build runs both, WASM at the plain build's speed. */
export function createWebRuntime(backend: "wasm" | "webgpu"): Runtime {
  return {
    backend,
    threads: backend === "wasm" ? (ort.env.wasm.numThreads ?? 1) : 1,
    async createSession(model) {
      const session = await ort.InferenceSession.create(model.bytes, {
        executionProviders: [backend],
        externalData: model.external,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
      });
      return wrapSession(session, ort.Tensor);
    },
  };
}
