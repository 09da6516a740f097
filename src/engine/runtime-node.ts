import { InferenceSession, Tensor } from "onnxruntime-node";
import { sessionOptions, wrapSession } from "./ort-session.ts";
import type { Runtime } from "./runtime.ts";

/**
 * onnxruntime-node: native CPU kernels, for the command line and for tests.
 * @param options.threads intra-op threads; 1 makes sums, and so results, independent of the machine's load.
 */
export function createNodeRuntime(options: { threads?: number } = {}): Runtime {
  const threads = options.threads ?? 1;
  return {
    backend: "node",
    threads,
    async createSession(model, memory) {
      const session = await InferenceSession.create(model.bytes, {
        ...sessionOptions(model, memory),
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
      });
      return wrapSession(session, Tensor);
    },
  };
}
