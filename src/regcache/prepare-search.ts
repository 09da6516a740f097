import type { Engine } from "../engine/types.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import type { Head } from "../evaluate/head.ts";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import { requireRangesPerImage } from "../intervention/batch.ts";
import type { Quantization } from "../intervention/intervention.ts";
import type { ScoreOptions } from "./cell-scores.ts";
import { type CuratedPrefixes, curatePrefixes, curationBlocks } from "./curate.ts";
import type { ExperimentMemory } from "./experiment-memory.ts";
import type { Registers } from "./registers.ts";
import { type SensitivityReport, sweepSensitivity } from "./sensitivity.ts";

/** Tokens that are kept by a curation unless something else is asked for (paper, step 2). */
export const CURATED_TOKENS = 100;

/** What an experiment runs on. */
export interface ExperimentSubject {
  readonly engine: Engine;
  /** Of the model's file. */
  readonly sha256: string;
  /** Images that settings are chosen on; never the test set. */
  readonly images: CalibrationSet;
  /** Fingerprint of the data set whose probe images they are; absent = they are of no such set. */
  readonly probeOf?: string | undefined;
  /** Reads labels; null = label-free. */
  readonly head: Head | null;
  readonly quantize: Quantization;
  readonly signal?: AbortSignal | undefined;
  /** Where it goes on from when it was interrupted; absent = it starts anew. */
  readonly memory?: ExperimentMemory | undefined;
  /** What is done now, for people, and how far it is. */
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

/** What a search starts from. */
export interface SearchStart {
  /** l_q: given, or found by a sweep over blocks. */
  readonly sensitiveBlock: number;
  /** null when the block was given. */
  readonly sensitivity: SensitivityReport | null;
  /** Curated from max(0, l_q - 3)..l_q; in the engine. */
  readonly prefixes: CuratedPrefixes;
  /** The method's registers by how many distinct ones they are, ascending; one is always there. */
  readonly registers: ReadonlyMap<number, Registers>;
}

/**
 * The steps before a search (paper, steps 1 to 3), on the same images: the sensitive block, and registers curated
 * around it, which are added to the engine.
 * @param given l_q where the user knows it
 * @param distinct numbers of distinct registers wanted beside one; where the tokens have fewer directions, fewer come out
 * @throws CancelledError on abort; InputError when an image cannot be read, or for ranges per batch
 */
export async function prepareSearch(
  subject: ExperimentSubject,
  given?: number,
  distinct: readonly number[] = [],
): Promise<SearchStart> {
  const { engine, images, sha256, signal, onProgress } = subject;
  requireRangesPerImage(subject.quantize, "Search");
  const sensitivity = given === undefined ? await sweepBlocks(subject) : null;
  const sensitiveBlock = given ?? sensitivity!.mostSensitive.block;
  const loaders = Array.from({ length: images.count }, (_, i) => () => images.load(i));
  const groupings = distinct.filter((count) => count !== 1);
  const settings = { ...curationBlocks(sensitiveBlock), top: CURATED_TOKENS, groupings };
  const prefixes = await curatePrefixes(engine, loaders, settings, {
    model: sha256,
    data: `${images.count} images of ${images.name}`,
    probeOf: subject.probeOf,
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  const { outliers, grouped, randomSink, meanToken } = prefixes;
  for (const each of [outliers, ...grouped, randomSink, meanToken]) engine.addRegisters(each);
  const several = grouped.filter((each) => each.distinct.length > 1);
  const byCount = [outliers, ...several].map((each) => [each.distinct.length, each] as const);
  const registers = new Map(byCount.sort(([a], [b]) => a - b));
  return { sensitiveBlock, sensitivity, prefixes, registers };
}

async function sweepBlocks(subject: ExperimentSubject): Promise<SensitivityReport> {
  const { engine, images, quantize, head, signal, memory, onProgress } = subject;
  let last: SensitivityReport | undefined;
  const options = { quantize, by: "block", head, memory, ...(signal && { signal }) } as const;
  for await (last of sweepSensitivity(engine, images, options))
    onProgress?.("Sensitivity", last.n, last.total);
  return last!;
}

/** Ids of a start's registers, as scores want them. */
export function registerIds({
  prefixes,
  registers,
}: SearchStart): Pick<ScoreOptions, "registers" | "several"> {
  const several = new Map([...registers].map(([count, { id }]) => [count, id]));
  return { registers: prefixes.outliers.id, several };
}

/** Id of the registers that a setting of a search uses: of one, or of its several distinct ones. */
export function registersOf(setting: RegCacheSetting, { registers }: Pick<SearchStart, "registers">): string {
  const { distinct = 1 } = setting.prefix ?? {};
  return registers.get(distinct)!.id;
}

/** What a report says of every number of distinct registers that was curated: how many tokens each one is the mean of. */
export function distinctReport({ registers }: Pick<SearchStart, "registers">) {
  return [...registers.values()].map(({ id, distinct }) => ({
    id,
    candidates: distinct.map(({ candidates }) => candidates),
  }));
}

/** What a report says of registers that were used. */
export function registersReport(registers: Registers) {
  const { id, from, block, candidates, images, data, cosine } = registers;
  return { id, from, block, candidates, images, data, cosine };
}
