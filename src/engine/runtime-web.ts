import asyncGlueUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import asyncWasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import plainGlueUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import plainWasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/webgpu";
import { GraphBuilder } from "../graph/onnx.ts";
import { sessionOptions, wrapSession } from "./ort-session.ts";
import type { Runtime } from "./runtime.ts";

/** ORT's files: `asyncify` runs WASM and WebGPU; `plain` runs WASM alone, as fast, and is half as large. */
export type OrtBuild = "plain" | "asyncify";

const URLS: Record<OrtBuild, { readonly mjs: string; readonly wasm: string }> = {
  plain: { mjs: plainGlueUrl, wasm: plainWasmUrl },
  asyncify: { mjs: asyncGlueUrl, wasm: asyncWasmUrl },
};

/**
 * Sets ORT up in this worker; once, before the first session.
 * @param threads WASM threads; above 1 only with cross-origin isolation
 */
export function initialiseOrt(threads: number, build: OrtBuild): void {
  ort.env.wasm.numThreads = threads;
  // Absolute, because pthread workers resolve them from elsewhere.
  const base = globalThis.location.href;
  ort.env.wasm.wasmPaths = {
    mjs: new URL(URLS[build].mjs, base).href,
    wasm: new URL(URLS[build].wasm, base).href,
  };
  ort.env.logLevel = "error";
}

/** Compiles and starts ORT, which takes most of a second, before there is a model: files can be asked for meanwhile. */
export async function startOrt(): Promise<void> {
  const g = new GraphBuilder("start");
  g.output("y", g.node("Neg", [g.input("x", [1])]), [1]);
  const session = await createWebRuntime("wasm").createSession(g.build());
  await session.release();
}

/** onnxruntime-web on one execution provider; WebGPU needs the asyncify build. */
export function createWebRuntime(backend: "wasm" | "webgpu"): Runtime {
  return {
    backend,
    threads: backend === "wasm" ? (ort.env.wasm.numThreads ?? 1) : 1,
    async createSession(model, memory) {
      const session = await ort.InferenceSession.create(model.bytes, {
        ...sessionOptions(model, memory),
        executionProviders: [backend],
      });
      return wrapSession(session, ort.Tensor);
    },
  };
}
