import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import type { OnnxModel } from "../graph/onnx.ts";
import type { GraphSession, SessionMemory } from "./runtime.ts";

/** What both runtimes build every session with. */
export function sessionOptions(
  model: OnnxModel,
  { keepsMemory = true }: SessionMemory = {},
): InferenceSession.SessionOptions {
  return {
    externalData: model.external,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(!keepsMemory && { enableCpuMemArena: false, enableMemPattern: false }),
  };
}

/** Wraps an ORT session of either runtime; `OrtTensor` is that runtime's own tensor class. */
export function wrapSession(session: InferenceSession, OrtTensor: TensorConstructor): GraphSession {
  return {
    async run(feeds, fetches) {
      const ortFeeds: Record<string, Tensor> = {};
      for (const [name, { data, dims }] of Object.entries(feeds)) {
        ortFeeds[name] = new OrtTensor("float32", data, dims);
      }
      const results = await session.run(ortFeeds, [...fetches]);
      return Object.fromEntries(
        fetches.map((name) => {
          const tensor = results[name]!;
          return [name, { data: tensor.data as Float32Array, dims: tensor.dims }];
        }),
      );
    },
    release: () => session.release(),
  };
}
