import { AutoModel, env, type PreTrainedModel, Tensor } from "@huggingface/transformers";
import * as Comlink from "comlink";
import glueUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import { ONNX, type Opener, THREADS } from "./opener.ts";

// @huggingface/transformers as it comes: on the build of ORT that it loads by default, of our version.
let model: PreTrainedModel | null = null;

const opener: Opener = {
  async ready() {},
  async open(hub, keeps) {
    for (const key of await caches.keys()) if (key.startsWith("transformers")) await caches.delete(key);
    env.remoteHost = hub;
    env.allowLocalModels = false;
    env.useBrowserCache = keeps;
    env.useWasmCache = false; // the runtime comes from the page's own server, as ours does
    const { wasm } = env.backends.onnx;
    if (!wasm) throw new Error("@huggingface/transformers offers no WASM backend here.");
    const base = globalThis.location.href;
    wasm.wasmPaths = { mjs: new URL(glueUrl, base).href, wasm: new URL(wasmUrl, base).href };
    wasm.numThreads = THREADS;
    const started = performance.now();
    model = await AutoModel.from_pretrained(ONNX, { dtype: "fp32", device: "wasm" });
    return performance.now() - started;
  },
  // It checks nothing.
  async check() {
    return 0;
  },
  async run(pixels, size) {
    const started = performance.now();
    const output = await model!({ pixel_values: new Tensor("float32", pixels, [1, 3, size, size]) });
    const milliseconds = performance.now() - started;
    const hidden: Tensor = output.last_hidden_state;
    return { milliseconds, feature: Float32Array.from(hidden.data.slice(0, hidden.dims[2])) };
  },
};
Comlink.expose(opener);
