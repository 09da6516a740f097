import type { Engine, EngineInput, ResultOptions } from "../engine/types.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { RunResult } from "../trace/layer-trace.ts";

/** Why an image could not be read. */
export interface Unreadable {
  readonly unreadable: string;
}

/** What became of one image: a result per intervention, or why its file could not be read. */
export type ImageOutcome = { readonly runs: readonly RunResult[] } | Unreadable;

/**
 * Runs one image to the end in the background, for its result alone; interactive runs go first.
 * @throws CancelledError on abort
 */
export function runToEnd(
  engine: Engine,
  input: EngineInput,
  intervention: Intervention,
  signal?: AbortSignal,
): Promise<RunResult> {
  return engine.result(input, intervention, { priority: "background", ...(signal && { signal }) });
}

/**
 * Likewise images through all interventions, in order; with ranges per batch those that could be read are one batch.
 * @returns what became of each image, in the same order
 */
export async function runImages(
  engine: Engine,
  images: readonly (EngineInput | Unreadable)[],
  interventions: readonly Intervention[],
  options: Pick<ResultOptions, "signal" | "betweenBlocks">,
): Promise<ImageOutcome[]> {
  const inputs = images.filter((image): image is EngineInput => !("unreadable" in image));
  const runs: RunResult[][] = inputs.map(() => []);
  for (const intervention of interventions) {
    const results = await engine.results(inputs, intervention, { ...options, priority: "background" });
    for (const [i, result] of results.entries()) runs[i]!.push(result);
  }
  let next = 0;
  return images.map((image) => ("unreadable" in image ? image : { runs: runs[next++]! }));
}

/** An image, or why it cannot be read. @throws whatever is no InputError */
export async function readable<T extends object>(read: () => T | Promise<T>): Promise<T | Unreadable> {
  try {
    return await read();
  } catch (error) {
    // By name: an error that has crossed threads is of no class.
    if (error instanceof Error && error.name === "InputError") return { unreadable: error.message };
    throw error;
  }
}
