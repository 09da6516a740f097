import { InferenceSession, Tensor } from "onnxruntime-node";
import { exactInt8Options } from "./exact-int8.ts";
import { sessionOptions, wrapSession } from "./ort-session.ts";
import type { Runtime } from "./runtime.ts";

/**
 * onnxruntime-node: native CPU kernels, for the command line and for tests.
 * @param options.threads intra-op threads; 1 makes sums, and so results, independent of the machine's load.
 * @param options.ownArena whether every session keeps an arena of its own, as is ORT's default and best for one session alone. A chain of
 *   sessions would walk through as many arenas in turn, none of them in the processor's cache.
 */
export function createNodeRuntime({ threads = 1, ownArena = false } = {}): Runtime {
  return {
    backend: "node",
    threads,
    async createSession(model) {
      const session = await InferenceSession.create(model.bytes, {
        ...sessionOptions(model, { keepsMemory: ownArena }),
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        extra: await exactInt8Options(),
      });
      return wrapSession(session, Tensor);
    },
  };
}
