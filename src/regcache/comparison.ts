import { InputError } from "../errors/input-error.ts";
import { applySetting, type RegCacheSetting } from "../evaluate/recommended.ts";
import type { Configuration } from "../evaluate/report.ts";
import { rangesPerImage, requireBatchable } from "../intervention/batch.ts";
import {
  type Intervention,
  interventionSchema,
  NO_INTERVENTION,
  type Quantization,
  quantizationSchema,
} from "../intervention/intervention.ts";
import { requireConsistent } from "../intervention/plan.ts";
import type { CellScores } from "./cell-scores.ts";
import { chooseClip, chooseExclusion } from "./choose-quantization.ts";
import { chooseTestTimeRegister } from "./choose-test-time-register.ts";
import type { RuleChoice } from "./deletion-rules.ts";
import { NO_MEMORY, remembered } from "./experiment-memory.ts";
import {
  type ExperimentSubject,
  prepareSearch,
  registerIds,
  registersOf,
  type SearchStart,
} from "./prepare-search.ts";
import { type Objective, type SearchReport, searchSettings } from "./search.ts";
import { searchGrid } from "./search-space.ts";
import { type RememberedScores, rememberedScores } from "./search-state.ts";
import { cellsOf, type SettingGrid } from "./setting-grid.ts";

/**
 * The paper's comparisons by name, in the order of its tables. `prefix` and `delete` are the parts of `regcache`
 * alone; `regcache-similarity` may delete by similarity too (ours); `random-sink` and `mean-token` are `regcache` with
 * the keys and values of a random ordinary token, or of the mean patch token, as many copies in all; `test-time-register` moves outliers to a token
 * of their own (2506.08010); the last two are in FP32, and show what the setting itself costs.
 */
export const COMPARISONS = [
  "fp32",
  "naive",
  "prefix",
  "delete",
  "regcache",
  "regcache-similarity",
  "random-sink",
  "mean-token",
  "clip",
  "exclude-outliers",
  "test-time-register",
  "regcache-fp32",
  "regcache-similarity-fp32",
] as const;
export type ComparisonName = (typeof COMPARISONS)[number];

/** What a comparison evaluates, and how it was chosen. */
export interface Comparison {
  readonly start: SearchStart;
  readonly settings: {
    /** Best with the paper's rule of deletion, or the one that was given. */
    readonly regcache: RegCacheSetting;
    /** Best with any rule. */
    readonly any: RegCacheSetting;
  };
  /** `linf` is null when a setting was given. */
  readonly searches: { readonly linf: SearchReport | null; readonly any: SearchReport };
  readonly configurations: readonly (Configuration & { readonly name: ComparisonName })[];
  /** Comparisons that cannot be run on this encoder, and why. */
  readonly omitted: readonly { readonly name: ComparisonName; readonly reason: string }[];
}

/** A setting that is already known, e.g. a model card's, with its registers. */
export interface KnownSetting {
  readonly setting: RegCacheSetting;
  /** Id of registers in the engine. */
  readonly registers: string;
}

export interface ComparisonOptions {
  readonly objective: Objective;
  /** l_q; found by a sweep when absent. */
  readonly sensitiveBlock?: number | undefined;
  /** Distinct registers of every prefix that is searched; absent = one. Where the tokens have fewer directions, fewer come out. */
  readonly registers?: number | undefined;
  /** What `regcache` is instead of the search's result. */
  readonly known?: KnownSetting | undefined;
}

/**
 * Chooses everything that the comparisons need on calibration images: the sensitive block, registers, the best
 * setting with the paper's rule and with any rule, and the one parameter of clipping and of outlier exclusion. Where ranges are
 * per batch, all of that is chosen with ranges per image, and measured per batch. Where it was interrupted, the subject's memory
 * spares it what it had done: all but the curation, which is two passes.
 * @throws CancelledError on abort; InputError when an image cannot be read
 */
export async function prepareComparison(
  wanted: ExperimentSubject,
  { objective, sensitiveBlock, registers: distinct = 1, known }: ComparisonOptions,
): Promise<Comparison> {
  const subject = { ...wanted, quantize: rangesPerImage(wanted.quantize) };
  const start = await prepareSearch(subject, sensitiveBlock, [distinct]);
  const { engine, quantize, memory = NO_MEMORY } = subject;
  const { blocks } = engine.spec;
  const { randomSink, meanToken } = start.prefixes;
  let before: CellScores | undefined;
  const find = (rule: RuleChoice["rule"]) => {
    const grid = searchGrid({ rule, registers: [distinct] }, start, engine.spec);
    const scores = rememberedScores(subject, registerIds(start), { name: `search, ${rule}`, before });
    before = scores.scores;
    return search(subject, scores, grid, rule, objective);
  };
  const searched = ({ best }: SearchReport): KnownSetting => {
    const { setting } = best!;
    return { setting, registers: registersOf(setting, start) };
  };
  const linf = known ? null : await find("linf");
  const any = await find("any");
  const regcache = known ?? searched(linf!);
  // A part that the setting lacks is a searched one, with the search's registers.
  const alone = partsOf(regcache.setting, linf ?? any);
  const prefixOnly: RegCacheSetting = { prefix: alone.prefix };
  const prefixRegisters = regcache.setting.prefix ? regcache.registers : registersOf(prefixOnly, start);
  const apply = (setting: RegCacheSetting, registers: string): Intervention => ({
    ...NO_INTERVENTION,
    ...applySetting(setting, registers, blocks),
    quantize,
  });
  const whole = apply(regcache.setting, regcache.registers);
  const similar = apply(any.best!.setting, searched(any).registers);
  // Of a random or mean token there is one: it has the copies of all.
  const withPrefix = (registers: string): Intervention => {
    const { distinct: several = 1, count, ...range } = alone.prefix!;
    const one = { ...range, count: several * count };
    return { ...whole, prefix: applySetting({ prefix: one }, registers, blocks).prefix };
  };
  const builders: Record<ComparisonName, () => Intervention | Promise<Intervention>> = {
    fp32: () => NO_INTERVENTION,
    naive: () => ({ ...NO_INTERVENTION, quantize }),
    prefix: () => apply(prefixOnly, prefixRegisters),
    delete: () => apply({ delete: alone.delete }, regcache.registers),
    regcache: () => whole,
    "regcache-similarity": () => similar,
    "random-sink": () => withPrefix(randomSink.id),
    "mean-token": () => withPrefix(meanToken.id),
    clip: async () => ({
      ...NO_INTERVENTION,
      quantize: await remembered(memory, "clip", quantizationSchema, () => chooseClip(subject)),
    }),
    "exclude-outliers": async () => ({
      ...NO_INTERVENTION,
      quantize: await remembered(memory, "exclusion", quantizationSchema, () => chooseExclusion(subject)),
    }),
    "test-time-register": () =>
      remembered(memory, "test-time-register", interventionSchema, () =>
        chooseTestTimeRegister(subject, start),
      ),
    "regcache-fp32": () => ({ ...whole, quantize: null }),
    "regcache-similarity-fp32": () => ({ ...similar, quantize: null }),
  };
  const configurations: Comparison["configurations"][number][] = [];
  const omitted: Comparison["omitted"][number][] = [];
  for (const name of COMPARISONS) {
    try {
      const intervention = withRange(await builders[name](), wanted.quantize);
      configurations.push({ name, intervention });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      omitted.push({ name, reason: error.message });
    }
  }
  return {
    start,
    settings: { regcache: regcache.setting, any: any.best!.setting },
    searches: { linf, any },
    configurations,
    omitted,
  };
}

/**
 * What was chosen with ranges per image, with those that it is measured with.
 * @throws InputError where it does not go with ranges per batch
 */
function withRange(intervention: Intervention, { range }: Quantization): Intervention {
  const { quantize } = intervention;
  if (!quantize || range?.kind !== "dynamic-batch") return intervention;
  const measured = { ...intervention, quantize: { ...quantize, range } };
  requireConsistent(measured.quantize);
  requireBatchable(measured);
  return measured;
}

async function search(
  { onProgress }: ExperimentSubject,
  { scores, keep }: RememberedScores,
  grid: SettingGrid,
  rule: RuleChoice["rule"],
  objective: Objective,
): Promise<SearchReport> {
  let last: SearchReport | undefined;
  for await (last of searchSettings(scores, grid, objective)) {
    const name = rule === "any" ? "any rule" : rule;
    onProgress?.(`Search (${name}), ${last.stage}: evaluations`, last.evaluations, last.exhaustive);
    await keep();
  }
  return last!;
}

/** The parts of a setting alone; a part that it lacks is the best one that was evaluated alone. */
function partsOf({ prefix, delete: deletion }: RegCacheSetting, report: SearchReport): RegCacheSetting {
  return {
    prefix: prefix ?? bestOf(report, (setting) => !!setting.prefix && !setting.delete).prefix,
    delete: deletion ?? bestOf(report, (setting) => !setting.prefix && !!setting.delete).delete,
  };
}

/** The best evaluated setting of a kind; the first one of the grid where none was evaluated. */
function bestOf(report: SearchReport, isKind: (setting: RegCacheSetting) => boolean): RegCacheSetting {
  const evaluated = report.cells.find(({ setting }) => isKind(setting))?.setting;
  return evaluated ?? cellsOf(report.grid).find(({ setting }) => isKind(setting))!.setting;
}
