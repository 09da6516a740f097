import type { EncoderSpec } from "../encoder/spec.ts";
import type { CachedBlock } from "./hidden-cache.ts";
import { withRegisterRow } from "./register-row.ts";
import type { GraphSession } from "./runtime.ts";
import type { EngineInput } from "./types.ts";

/**
 * Runs the embedding: the state before block 0.
 * @param registerRow what a test-time register starts from, [D]; null = the run has none
 */
export async function embedTokens(
  spec: EncoderSpec,
  embed: GraphSession,
  input: EngineInput,
  registerRow: Float32Array | null,
): Promise<CachedBlock> {
  const started = performance.now();
  const side = spec.preprocess.size;
  const { y } = await embed.run({ pixels: { data: input.pixels, dims: [1, 3, side, side] } }, ["y"]);
  const positions = Int32Array.from({ length: spec.tokens }, (_, token) => token);
  const milliseconds = performance.now() - started;
  const x = registerRow ? withRegisterRow(y!.data, registerRow) : y!.data;
  return { x, positions, deleted: new Int32Array(0), milliseconds, trace: null };
}
