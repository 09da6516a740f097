import * as Comlink from "comlink";
import { createHasher, type Hasher } from "../checkpoint/digest.ts";

/** Entry of the worker that hashes what its caller reads. */
export interface HashWorkerApi {
  update(bytes: Uint8Array): Promise<void>;
  digest(): Promise<string>;
}

let hasher: Promise<Hasher> | undefined;
const ready = () => {
  hasher ??= createHasher();
  return hasher;
};

Comlink.expose({
  update: async (bytes) => (await ready()).update(bytes),
  digest: async () => (await ready()).digest(),
} satisfies HashWorkerApi);
