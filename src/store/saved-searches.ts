import { sum } from "d3-array";
import { z } from "zod";
import { parseSearchState, type SearchProgress, searchProgressSchema } from "../regcache/search-state.ts";
import type { ExperimentRequest } from "../worker/experiment-api.ts";
import type { LabHost } from "./context.ts";
import type { UnfittedHeadKey } from "./head-key.ts";
import { errorText } from "./messages.ts";

/** Interrupted searches that are kept; older ones give way. */
const MOST = 4;
/** Characters that they may take together: a browser gives a site some five million for everything. */
const MOST_CHARACTERS = 2_000_000;

/** What a search is about: only an equal one may be continued. */
export interface SearchKey
  extends Pick<ExperimentRequest, "quantize" | "space" | "objective" | "chooseOn" | "seed"> {
  /** The weights and how images are prepared for them (see `encoderKey`). */
  readonly model: string;
  /** Digest of the data set and its probe images. */
  readonly fingerprint: string;
  /** What reads the labels; null = label-free. */
  readonly head: UnfittedHeadKey | null;
}

const entrySchema = z.object({ model: z.string(), key: z.string(), progress: searchProgressSchema });
type Entry = z.infer<typeof entrySchema>;

/** Where searches are kept, and who hears, once, of what cannot be read. */
export interface SearchStorage extends Pick<LabHost, "readStored" | "writeStored"> {
  readonly onDamage: (what: string) => void;
}

const KEY = "searches";

const keyOf = ({ model, fingerprint, quantize, space, objective, chooseOn, seed, head }: SearchKey) =>
  JSON.stringify([model, fingerprint, quantize, space, objective, chooseOn, seed, head]);

/** Whether an interrupted search over a model is kept, on whatever images. */
export function hasSearches(storage: SearchStorage, model: string): boolean {
  return read(storage).some((entry) => entry.model === model);
}

/** What is kept of a search; null where there is nothing. What cannot be read is reported and dropped, all else stays. */
export function findSearch(storage: SearchStorage, key: SearchKey): SearchProgress | null {
  const found = read(storage).find((entry) => entry.key === keyOf(key))?.progress;
  if (!found) return null;
  try {
    parseSearchState(found.state, { name: "An interrupted search", remedy: "Start it anew." });
    return found;
  } catch (error) {
    forgetSearch(storage, key);
    storage.onDamage(errorText(error));
    return null;
  }
}

/**
 * Keeps a search. One that has grown too long is kept as it was before.
 * @returns whether it is kept as it is now
 */
export function saveSearch(storage: SearchStorage, key: SearchKey, progress: SearchProgress): boolean {
  const entry: Entry = { model: key.model, key: keyOf(key), progress };
  const others = read(storage).filter((other) => other.key !== entry.key);
  const kept = [entry, ...others].slice(0, MOST);
  while (kept.length > 1 && charactersOf(kept) > MOST_CHARACTERS) kept.pop();
  if (charactersOf(kept) > MOST_CHARACTERS) return false;
  storage.writeStored(KEY, JSON.stringify(kept));
  return true;
}

/** Forgets a search, because it is complete. */
export function forgetSearch(storage: SearchStorage, key: SearchKey): void {
  const entries = read(storage);
  const others = entries.filter((other) => other.key !== keyOf(key));
  if (others.length < entries.length) storage.writeStored(KEY, JSON.stringify(others));
}

const charactersOf = (entries: readonly Entry[]) =>
  sum(entries, ({ key, progress }) => key.length + progress.state.length);

/** The entries that can be read; those that cannot are dropped from the storage, since they never will be. */
function read(storage: SearchStorage): Entry[] {
  const text = storage.readStored(KEY);
  if (text === null) return [];
  const { entries, damage } = parse(text);
  if (damage !== null) {
    storage.writeStored(KEY, JSON.stringify(entries));
    storage.onDamage(damage);
  }
  return entries;
}

function parse(text: string): { entries: Entry[]; damage: string | null } {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return { entries: [], damage: errorText(error) };
  }
  if (!Array.isArray(list)) return { entries: [], damage: `expected a list, got ${typeof list}` };
  const parsed = list.map((each: unknown) => entrySchema.safeParse(each));
  const bad = parsed.find(({ success }) => !success)?.error;
  return {
    entries: parsed.flatMap(({ data }) => data ?? []),
    damage: bad ? z.prettifyError(bad).replaceAll("\n", " ") : null,
  };
}
