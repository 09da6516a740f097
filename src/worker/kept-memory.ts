import type { ExperimentMemory } from "../regcache/experiment-memory.ts";
import type { ExperimentProgress } from "./experiment-api.ts";

/** Least time between two states that are handed on, ms: they may be long. */
const INTERVAL = 2000;

/** What an experiment remembers of itself, which is handed on to be kept. */
export interface KeptMemory extends ExperimentMemory {
  /** Hands on what has not been yet. */
  save(): Promise<void>;
}

/**
 * The memory of an experiment that starts with nothing, or with what an equal one handed on. A part that is damaged, or of another
 * version, counts as forgotten: it is found anew.
 * @param hand takes the state, every few seconds
 */
export function createKeptMemory(
  { subject, parts }: ExperimentProgress,
  hand: (progress: ExperimentProgress) => Promise<void>,
): KeptMemory {
  const makers = new Map(Object.entries(parts).map(([name, part]) => [name, (): unknown => part]));
  let isHandedOn = true;
  let last = performance.now();
  const save = async () => {
    if (isHandedOn) return;
    isHandedOn = true;
    last = performance.now();
    await hand({ subject, parts: Object.fromEntries([...makers].map(([name, make]) => [name, make()])) });
  };
  return {
    recall(name, schema) {
      const make = makers.get(name);
      return (make && schema.safeParse(make()).data) ?? null;
    },
    async keep(name, make) {
      makers.set(name, make);
      isHandedOn = false;
      if (performance.now() - last >= INTERVAL) await save();
    },
    save,
  };
}
