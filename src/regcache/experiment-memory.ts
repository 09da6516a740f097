import type { z } from "zod";

/**
 * What an experiment remembers of itself, so that it goes on where it was interrupted after its process is gone. Who keeps it makes
 * sure that it is recalled by an equal experiment only: equal encoder, images, settings.
 */
export interface ExperimentMemory {
  /**
   * What was kept under a name; null = nothing.
   * @throws InputError when it is not what the schema says: a damaged file
   */
  recall<T>(name: string, schema: z.ZodType<T>): T | null;
  /** Keeps something under a name. Called often: `make` is called only when it is written. */
  keep(name: string, make: () => unknown): Promise<void>;
}

/** Remembers nothing. */
export const NO_MEMORY: ExperimentMemory = { recall: () => null, keep: async () => {} };

/** A part of a memory for one of several experiments. */
export function within(memory: ExperimentMemory, experiment: string): ExperimentMemory {
  return {
    recall: (name, schema) => memory.recall(`${experiment}/${name}`, schema),
    keep: (name, make) => memory.keep(`${experiment}/${name}`, make),
  };
}

/** What was kept under a name, else what `make` gives, which is kept. */
export async function remembered<T>(
  memory: ExperimentMemory,
  name: string,
  schema: z.ZodType<T>,
  make: () => Promise<T>,
): Promise<T> {
  const known = memory.recall(name, schema);
  if (known !== null) return known;
  const made = await make();
  await memory.keep(name, () => made);
  return made;
}
