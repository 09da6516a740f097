import { memorySource } from "../../src/checkpoint/byte-source.ts";
import { openCheckpoint } from "../../src/checkpoint/shards.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createWebRuntime, initialiseOrt } from "../../src/engine/runtime-web.ts";
import { openEncoder } from "../../src/families/index.ts";
import { modelFileSet } from "../../src/families/model-file-set.ts";
import { prepareImage } from "../../src/image/preprocess.ts";
import { compareRun } from "../../src/parity/compare.ts";
import { openReference } from "../../src/parity/reference.ts";
import { decodeImage } from "../../src/worker/decode.ts";
import type { ParityRequest } from "./request.ts";

const nameOf = (url: string) => url.slice(url.lastIndexOf("/") + 1);

async function bytesOf(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The same comparison as on the command line, with the browser's decoder, network and execution providers. */
async function compare({ backend, files, reference, image }: ParityRequest) {
  const set = modelFileSet(files.map((url) => ({ name: nameOf(url), url })));
  const json = async (file: { url: string } | null | undefined): Promise<unknown> =>
    file ? JSON.parse(new TextDecoder().decode(await bytesOf(file.url))) : null;
  const sources = await Promise.all(
    set.weights.map(async ({ name, url }) => memorySource(await bytesOf(url), name)),
  );
  const weights = await openCheckpoint(sources, await json(set.index));
  const configs = {
    config: await json(set.configs.config),
    preprocessor: await json(set.configs.preprocessor),
    openClip: await json(set.configs.openClip),
  };
  const wanted = await openReference(memorySource(await bytesOf(reference), reference));
  const encoder = openEncoder(weights, configs, wanted.info.native ? {} : { inputSize: wanted.info.size });
  const engine = await createEngine(encoder, createWebRuntime(backend));
  try {
    const picture = await decodeImage(new Blob([await bytesOf(image)]), image);
    return await compareRun(engine, wanted, prepareImage(picture, encoder.spec.preprocess).pixels);
  } finally {
    await engine.dispose();
  }
}

initialiseOrt(1, "asyncify");
addEventListener("message", async ({ data }: MessageEvent<ParityRequest>) => {
  try {
    postMessage({ parity: await compare(data) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
