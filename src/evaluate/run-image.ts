import type { Engine, EngineInput } from "../engine/types.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { RunResult } from "../trace/layer-trace.ts";

/**
 * Runs one image to the end in the background, for its result alone; interactive runs go first.
 * @param betweenBlocks waited for after every block
 * @throws CancelledError on abort
 */
export function runToEnd(
  engine: Engine,
  input: EngineInput,
  intervention: Intervention,
  signal?: AbortSignal,
  betweenBlocks?: () => Promise<void>,
): Promise<RunResult> {
  return engine.result(input, intervention, {
    priority: "background",
    betweenBlocks,
    ...(signal && { signal }),
  });
}
