import { InferenceSession, Tensor } from "onnxruntime-node";
import { sessionOptions, wrapSession } from "./ort-session.ts";
import type { Runtime } from "./runtime.ts";

/**
 * On x86-64 processors without VNNI, ORT's kernel for u8 activations and s8 weights adds pairs of products in 16 bits, which
 * saturate: its results are then far off, not merely rounded. This option (`kOrtSessionOptionsAvx2PrecisionMode`) shifts the weights to
 * u8 there, whose kernel is exact; elsewhere it changes nothing.
 */
const EXACT_INT8 = { session: { x64quantprecision: "1" } };

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
        extra: EXACT_INT8,
      });
      return wrapSession(session, Tensor);
    },
  };
}
