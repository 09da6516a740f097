import type { OnnxModel } from "../graph/onnx.ts";

/** An fp32 tensor on the host, row-major. */
export interface HostTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** One loaded graph. */
export interface GraphSession {
  /** Runs the graph and returns the outputs named in `fetches`. Callers serialise: see RunQueue in engine.ts. */
  run(
    feeds: Readonly<Record<string, HostTensor>>,
    fetches: readonly string[],
  ): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** How a session uses memory. */
export interface SessionMemory {
  /**
   * Whether a session keeps its activations' memory for its next run (default), which in WASM is faster. The memory of all sessions of
   * an encoder adds up: those that run batches give it back. So do all on the command line, where it is the faster way.
   */
  readonly keepsMemory?: boolean;
}

/** Where graphs run: the same interface over onnxruntime-web (WASM, WebGPU) and onnxruntime-node. */
export interface Runtime {
  readonly backend: "wasm" | "webgpu" | "node";
  readonly threads: number;
  createSession(model: OnnxModel, memory?: SessionMemory): Promise<GraphSession>;
}
