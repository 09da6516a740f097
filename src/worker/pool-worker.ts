import * as Comlink from "comlink";
import { initialiseOrt } from "../engine/runtime-web.ts";
import { PoolEngine } from "../evaluate/pool-engine.ts";
import type { ModelRequest } from "./api.ts";
import { decodeImage } from "./decode.ts";
import { loadModel } from "./loaded-model.ts";

/** What the worker of one pool engine offers before it has one. */
export interface PoolWorkerApi {
  /** Loads the model on one WASM thread; resolves with the engine's interface. */
  open(request: ModelRequest): Promise<PoolEngine & Comlink.ProxyMarked>;
}

initialiseOrt(1, "plain");

Comlink.expose({
  async open(request: ModelRequest) {
    const choice = { backend: "wasm", threads: 1, instruments: false } as const;
    const { engine } = await loadModel(request, choice, () => {}, new AbortController().signal);
    return Comlink.proxy(new PoolEngine(engine, ({ blob, name }) => decodeImage(blob, name)));
  },
} satisfies PoolWorkerApi);
