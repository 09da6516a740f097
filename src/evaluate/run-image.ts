import { collect } from "../engine/collect.ts";
import type { Engine, EngineInput } from "../engine/types.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { RunResult } from "../trace/layer-trace.ts";

/**
 * Runs one image to the end in the background, for its result alone; interactive runs go first.
 * @throws CancelledError on abort
 */
export async function runToEnd(
  engine: Engine,
  input: EngineInput,
  intervention: Intervention,
  signal?: AbortSignal,
): Promise<RunResult> {
  const options = { priority: "background", ...(signal && { signal }) } as const;
  return (await collect(engine.run(input, intervention, options))).result;
}
