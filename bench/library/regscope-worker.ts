import * as Comlink from "comlink";
import { deleteSaved, listSaved } from "../../src/cache/saved-models.ts";
import { collect } from "../../src/engine/collect.ts";
import { initialiseOrt } from "../../src/engine/runtime-web.ts";
import { NO_INTERVENTION } from "../../src/intervention/intervention.ts";
import { type LoadedModel, loadModel } from "../../src/worker/loaded-model.ts";
import { CHECKPOINT, type RegscopeOpener, THREADS } from "./opener.ts";

// RegScope as its page opens a model of the Hub: download, saving, sessions; then the sha256 is checked while it is in use.
initialiseOrt(THREADS, "plain");
let model: LoadedModel | null = null;
let isLean = false;
let runs = 0;

const load = (hub: string, instruments: boolean) =>
  loadModel(
    { kind: "hub", hub, id: CHECKPOINT, revision: "main" },
    { backend: "wasm", threads: THREADS, defersCheck: true, instruments },
    () => {},
    new AbortController().signal,
  );

const opener: RegscopeOpener = {
  async ready() {},
  async open(hub) {
    for (const { key } of await listSaved()) await deleteSaved(key);
    const started = performance.now();
    model = await load(hub, true);
    return performance.now() - started;
  },
  async openLean(hub) {
    model = await load(hub, false);
    isLean = true;
  },
  async check() {
    const started = performance.now();
    await model!.check?.(() => {}, new AbortController().signal);
    return performance.now() - started;
  },
  async run(pixels) {
    // A new id: nothing may come from the cache of hidden states.
    const input = { id: `run ${runs++}`, pixels };
    const started = performance.now();
    const { engine } = model!;
    const { feature } = isLean
      ? await engine.result(input, NO_INTERVENTION)
      : (await collect(engine.run(input, NO_INTERVENTION))).result;
    return { milliseconds: performance.now() - started, feature };
  },
};
Comlink.expose(opener);
