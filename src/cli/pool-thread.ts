import { parentPort, workerData } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { PoolEngine } from "../evaluate/pool-engine.ts";
import { decodeImage } from "./decode.ts";
import { type ModelFlags, openModel } from "./open-model.ts";

// One engine of the command line's pool (pool.ts): loads the model on one thread, then answers.
const { engine } = await openModel(workerData as ModelFlags, undefined, { instruments: false });
Comlink.expose(
  new PoolEngine(engine, async ({ name, blob }) =>
    decodeImage(new Uint8Array(await blob.arrayBuffer()), name),
  ),
  nodeEndpoint(parentPort!),
);
