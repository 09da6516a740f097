import { max, sum } from "d3-array";
import { z } from "zod";
import type { ProbeChoice } from "../evaluate/fit-probe.ts";
import { progressSchema } from "../evaluate/progress-schema.ts";
import { parseSearchState } from "../regcache/search-state.ts";
import {
  type ExperimentProgress,
  type ExperimentRequest,
  experimentProgressSchema,
  PARTS,
} from "../worker/experiment-api.ts";
import type { LabHost } from "./context.ts";
import type { UnfittedHeadKey } from "./head-key.ts";
import { errorText } from "./messages.ts";

/** Interrupted experiments that are kept; older ones give way. */
const MOST = 4;
/** Characters that they may take together: a browser gives a site some five million for everything. */
const MOST_CHARACTERS = 2_000_000;
/** Entries of another version are dropped: what is found of them can be found again. */
const VERSION = 2;

/** What an experiment is about: only an equal one may be continued. */
export interface ExperimentKey {
  /** The weights and how images are prepared for them (see `encoderKey`). */
  readonly model: string;
  /** Digest of the data set and its probe images. */
  readonly fingerprint: string;
  /** As much of the request as this kind of experiment depends on. */
  readonly asked: Partial<ExperimentRequest> & Pick<ExperimentRequest, "kind">;
  /** What reads the labels; null = label-free. */
  readonly head: ProbeChoice | UnfittedHeadKey | null;
}

/** An interrupted experiment that may go on. */
export interface FoundExperiment {
  readonly progress: ExperimentProgress;
  readonly offer: ExperimentOffer;
}

/** How far an interrupted experiment was: images of its sweep, evaluations of its search, or images that it was measured on. */
export interface ExperimentOffer {
  readonly stage: keyof typeof PARTS;
  readonly done: number;
}

const entrySchema = z.object({
  version: z.literal(VERSION),
  model: z.string(),
  key: z.string(),
  progress: experimentProgressSchema,
});
type Entry = z.infer<typeof entrySchema>;

/** Where experiments are kept, and who hears, once, of what cannot be read. */
export interface ExperimentStorage extends Pick<LabHost, "readStored" | "writeStored"> {
  readonly onDamage: (what: string) => void;
}

const KEY = "searches";

/** The settings in an order of their own: that of an object is nobody's promise. */
const keyOf = ({ model, fingerprint, asked, head }: ExperimentKey) =>
  JSON.stringify([model, fingerprint, Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1)), head]);

/** Whether an interrupted experiment over a model is kept, on whatever images. */
export function hasExperiments(storage: ExperimentStorage, model: string): boolean {
  return read(storage).some((entry) => entry.model === model);
}

/**
 * What is kept of an experiment; null where there is nothing. What cannot be read is reported and dropped, all else stays.
 */
export function findExperiment(storage: ExperimentStorage, key: ExperimentKey): FoundExperiment | null {
  const progress = read(storage).find((entry) => entry.key === keyOf(key))?.progress;
  if (!progress) return null;
  try {
    const offer = offerOf(progress);
    if (offer) return { progress, offer };
    forgetExperiment(storage, key);
  } catch (error) {
    forgetExperiment(storage, key);
    storage.onDamage(errorText(error));
  }
  return null;
}

/**
 * Keeps an experiment. One that has grown too long is kept as it was before.
 * @returns whether it is kept as it is now
 */
export function saveExperiment(
  storage: ExperimentStorage,
  key: ExperimentKey,
  progress: ExperimentProgress,
): boolean {
  const entry: Entry = { version: VERSION, model: key.model, key: keyOf(key), progress };
  const others = read(storage).filter((other) => other.key !== entry.key);
  const kept = [entry, ...others].slice(0, MOST);
  const texts = kept.map((each) => JSON.stringify(each));
  while (texts.length > 1 && charactersOf(texts) > MOST_CHARACTERS) texts.pop();
  if (charactersOf(texts) > MOST_CHARACTERS) return false;
  storage.writeStored(KEY, `[${texts.join(",")}]`);
  return true;
}

/** Forgets an experiment, because it is complete. */
export function forgetExperiment(storage: ExperimentStorage, key: ExperimentKey): void {
  const entries = read(storage);
  const others = entries.filter((other) => other.key !== keyOf(key));
  if (others.length < entries.length) storage.writeStored(KEY, JSON.stringify(others));
}

const charactersOf = (texts: readonly string[]) => sum(texts, ({ length }) => length);

const sweepSchema = z.object({ n: z.int().min(1) });

/**
 * How far an experiment was; null where nothing that it remembers can be read.
 * @throws InputError when the scores of its search cannot be
 */
function offerOf({ parts }: ExperimentProgress): ExperimentOffer | null {
  // Checked wherever it is: the worker refuses damaged scores, and the experiment could not go on.
  const searches = Object.entries(parts).filter(([name]) => name.startsWith(PARTS.search));
  // A comparison's second search starts with the scores of its first.
  const scores = max(searches, ([, part]) => scoresOf(part));
  const measured = progressSchema.safeParse(parts[PARTS.evaluation]).data;
  if (measured) return { stage: "evaluation", done: measured.n };
  if (scores !== undefined) return { stage: "search", done: scores };
  const swept = sweepSchema.safeParse(parts[PARTS.sensitivity]).data;
  return swept ? { stage: "sensitivity", done: swept.n } : null;
}

/** Evaluations whose scores are kept. @throws InputError when they cannot be read */
function scoresOf(part: unknown): number {
  const text = typeof part === "string" ? part : JSON.stringify(part);
  const { scores } = parseSearchState(text, { name: "An interrupted search", remedy: "Start it anew." });
  return sum(Object.values(scores), ({ mse }) => mse.length);
}

/** What was read of a storage last, since its text is long and looked at with every change of a setting. */
const lastRead = new WeakMap<ExperimentStorage, { readonly text: string; readonly entries: Entry[] }>();

/** The entries that can be read; those that cannot are dropped from the storage, since they never will be. */
function read(storage: ExperimentStorage): Entry[] {
  const text = storage.readStored(KEY);
  if (text === null) return [];
  const known = lastRead.get(storage);
  if (known?.text === text) return known.entries;
  const { entries, isWhole, damage } = parse(text);
  if (isWhole) lastRead.set(storage, { text, entries });
  else storage.writeStored(KEY, JSON.stringify(entries));
  if (damage !== null) storage.onDamage(damage);
  return entries;
}

/** @returns damage: what is wrong, for people; entries of another version are not whole, but not damaged either */
function parse(text: string): { entries: Entry[]; isWhole: boolean; damage: string | null } {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return { entries: [], isWhole: false, damage: errorText(error) };
  }
  if (!Array.isArray(list)) {
    return { entries: [], isWhole: false, damage: `expected a list, got ${typeof list}` };
  }
  const parsed = list.filter(isOfThisVersion).map((each) => entrySchema.safeParse(each));
  const entries = parsed.flatMap(({ data }) => data ?? []);
  const bad = parsed.find(({ success }) => !success)?.error;
  return {
    entries,
    isWhole: entries.length === list.length,
    damage: bad ? z.prettifyError(bad).replaceAll("\n", " ") : null,
  };
}

/** An entry that says no version is of the first one, which had none. */
function isOfThisVersion(entry: unknown): boolean {
  const version = typeof entry === "object" && entry && "version" in entry ? entry.version : 1;
  return version === VERSION;
}
