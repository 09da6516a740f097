import { z } from "zod";
import type { ProbeChoice } from "../evaluate/fit-probe.ts";
import { progressSchema } from "../evaluate/progress-schema.ts";
import type { Configuration, EvaluationProgress } from "../evaluate/report.ts";
import type { LabHost } from "./context.ts";
import type { UnfittedHeadKey } from "./head-key.ts";

/** Evaluations that are kept; older ones give way. */
const MOST = 8;

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

/** What {@link keyOf} writes, as far as it is read again. */
const keySchema = z
  .tuple([z.string(), z.string(), z.unknown(), z.unknown(), z.number(), z.unknown()])
  .transform(([model, fingerprint, , , limit]) => ({ model, fingerprint, limit }));

/** An interrupted evaluation, and how many images it was to take. */
export interface SavedEvaluation {
  readonly progress: EvaluationProgress;
  readonly limit: number;
}

/**
 * The newest interrupted evaluation of what the key says, of whatever number of images; null where there is none or the stored text is
 * not what was written.
 */
export function findSaved(storage: Storage, key: EvaluationKey): SavedEvaluation | null {
  for (const { key: text, progress } of read(storage)) {
    const limit = partsOf(text)?.limit;
    if (limit !== undefined && text === keyOf({ ...key, limit })) return { progress, limit };
  }
  return null;
}

/** The newest interrupted evaluation of the encoder on other images than these; null where there is none. */
export function findElsewhere(
  storage: Storage,
  { model, fingerprint }: { readonly model: string; readonly fingerprint: string | null },
): EvaluationProgress | null {
  const isElsewhere = (text: string) => {
    const parts = partsOf(text);
    return parts?.model === model && parts.fingerprint !== fingerprint;
  };
  return read(storage).find(({ key }) => isElsewhere(key))?.progress ?? null;
}

function partsOf(key: string): z.infer<typeof keySchema> | null {
  try {
    return keySchema.safeParse(JSON.parse(key)).data ?? null;
  } catch {
    return null;
  }
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
