import { z } from "zod";
import type { ProbeChoice } from "../evaluate/fit-probe.ts";
import type { Configuration, EvaluationProgress } from "../evaluate/report.ts";
import type { LabHost } from "./context.ts";
import type { UnfittedHeadKey } from "./head-key.ts";

/** Evaluations that are kept; older ones give way. */
const MOST = 8;

const count = z.int().min(0);
const progressSchema = z.object({
  n: count,
  total: count,
  skipped: z.object({ count, examples: z.array(z.string()) }),
  seed: z.int(),
  // Absent in what was kept before there were batches.
  batch: z.int().min(1).default(1),
  dataset: z.string(),
  head: z.string(),
  configurations: z.array(
    z.object({
      name: z.string(),
      counts: z.object({
        both: count,
        firstOnly: count,
        secondOnly: count,
        neither: count,
        cosines: z.number(),
      }),
    }),
  ),
});
const storedSchema = z.array(z.object({ key: z.string(), progress: progressSchema }));

/** What an evaluation measures: only an equal one may be continued. */
export interface EvaluationKey {
  /** The weights and how images are prepared for them (see `encoderKey`). */
  readonly model: string;
  /** Digest of the data set and its probe images. */
  readonly fingerprint: string;
  readonly configurations: readonly Configuration[];
  readonly seed: number;
  readonly limit: number;
  /** The probe that is fitted, or what reads the classes without one. */
  readonly head: ProbeChoice | UnfittedHeadKey;
}

type Storage = Pick<LabHost, "readStored" | "writeStored">;

const KEY = "evaluations";

const keyOf = ({ model, fingerprint, configurations, seed, limit, head }: EvaluationKey) =>
  JSON.stringify([model, fingerprint, configurations, seed, limit, head]);

/** The kept progress of an evaluation; null where there is none or the stored text is not what was written. */
export function findSaved(storage: Storage, key: EvaluationKey): EvaluationProgress | null {
  return read(storage).find((entry) => entry.key === keyOf(key))?.progress ?? null;
}

/** Keeps the progress of an evaluation. */
export function saveProgress(storage: Storage, key: EvaluationKey, progress: EvaluationProgress): void {
  // Only what the schema names is kept: a report holds more.
  const entry = { key: keyOf(key), progress: progressSchema.parse(progress) };
  const others = read(storage).filter((other) => other.key !== entry.key);
  storage.writeStored(KEY, JSON.stringify([entry, ...others].slice(0, MOST)));
}

/** Forgets an evaluation, because it is complete. */
export function forgetSaved(storage: Storage, key: EvaluationKey): void {
  const entries = read(storage);
  const others = entries.filter((other) => other.key !== keyOf(key));
  if (others.length < entries.length) storage.writeStored(KEY, JSON.stringify(others));
}

function read(storage: Storage): z.infer<typeof storedSchema> {
  const text = storage.readStored(KEY);
  if (text === null) return [];
  try {
    return storedSchema.parse(JSON.parse(text));
  } catch {
    return []; // of another version, or damaged: then there is nothing to continue
  }
}
