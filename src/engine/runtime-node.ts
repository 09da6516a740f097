import { InferenceSession, Tensor } from "onnxruntime-node";
import { wrapSession } from "./ort-session.ts";
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
    async createSession(model) {
      const session = await InferenceSession.create(model.bytes, {
        executionProviders: ["cpu"],
        externalData: model.external,
        graphOptimizationLevel: "all",
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      });
      return wrapSession(session, Tensor);
    },
  };
}
