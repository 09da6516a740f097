import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import { probeChoiceSchema } from "../evaluate/fit-probe.ts";
import { settingSchema } from "../evaluate/recommended.ts";
import type { Configuration, EvaluationReport } from "../evaluate/report.ts";
import type { Skipped } from "../evaluate/skipped.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { batchOf } from "../intervention/batch.ts";
import { DELETION_CRITERIA, deletedCountSchema } from "../intervention/deletion.ts";
import { quantizationSchema } from "../intervention/intervention.ts";
import type { Comparison } from "../regcache/comparison.ts";
import { SEARCH_RULES, SEARCH_TENSORS } from "../regcache/deletion-rules.ts";
import type { SearchReport } from "../regcache/search.ts";
import type { SensitivityReport } from "../regcache/sensitivity.ts";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import type { Progress, RegistersInfo } from "./api.ts";

/** The experiments of the paper that the page runs: step 1, step 5, and its comparisons. */
export const EXPERIMENTS = ["sensitivity", "search", "compare"] as const;
export type ExperimentKind = (typeof EXPERIMENTS)[number];

/** What they are called in a sentence. */
export const EXPERIMENT_NAMES: Readonly<Record<ExperimentKind, string>> = {
  sensitivity: "sensitivity sweep",
  search: "search",
  compare: "comparison",
};

/** Rounding to nearest at some bits and nothing else, or all that the controls say. */
export const QUANTIZER_CHOICES = ["plain", "controls"] as const;

/** What the page asks the worker for. */
export const experimentRequestSchema = z.strictObject({
  kind: z.enum(EXPERIMENTS),
  /** Id of an opened data set; settings are chosen on its probe images, and compared on its test images. */
  dataset: z.string().min(1),
  /** A calibrated one names its images as the page does. */
  quantize: quantizationSchema,
  /** Where it comes from. */
  quantizer: z.enum(QUANTIZER_CHOICES),
  /** What is quantized alone in a sensitivity sweep. */
  by: z.enum(["block", "linear"]),
  /** What a search ranges over. */
  space: z.strictObject({
    rule: z.enum(SEARCH_RULES),
    tensor: z.enum(SEARCH_TENSORS),
    criteria: z.array(z.enum(DELETION_CRITERIA)),
    atMost: z.array(deletedCountSchema.nullable()).min(1),
    registers: z.array(z.int().min(1).max(REGISTER_SLOTS)),
    to: z.literal("any").optional(),
  }),
  objective: z.enum(["mse", "accuracy"]),
  /** Images that settings are chosen on. */
  chooseOn: z.int().min(1).max(100_000),
  /** Images that a comparison is measured on. */
  measureOn: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  seed: z.int().min(0),
  /** Distinct registers of the prefixes that a comparison searches. */
  distinct: z.int().min(1).max(REGISTER_SLOTS),
  /** What is fitted where neither the own head nor class embeddings read the data set's classes. */
  probe: probeChoiceSchema,
  /** A setting that a comparison takes as it is, instead of searching one; null = search. */
  known: z.strictObject({ setting: settingSchema, registers: z.string().min(1) }).nullable(),
});
export type ExperimentRequest = z.infer<typeof experimentRequestSchema>;

/**
 * Holds an experiment against its quantizer, before anything is opened or run.
 * @throws InputError when they do not go together
 */
export function requireRunnable({
  kind,
  quantize,
  by,
}: Pick<ExperimentRequest, "kind" | "quantize" | "by">): void {
  const misfit = misfitOf(quantize, kind, by);
  if (!misfit) return;
  const [expected, got, change] = misfit;
  const subject = `The quantizer of the ${EXPERIMENT_NAMES[kind]}`;
  throw new InputError(subject, expected, got, `${change} in the controls, or choose the plain quantizer.`);
}

function misfitOf(
  quantize: ExperimentRequest["quantize"],
  kind: ExperimentKind,
  by: ExperimentRequest["by"],
): [expected: string, got: string, change: string] | null {
  const { arithmetic, blocks, linears } = quantize;
  if (arithmetic === "int8") {
    const expected = "simulated arithmetic, by which settings are chosen (accuracy measures int8)";
    return [expected, "int8", "Choose simulated arithmetic"];
  }
  const batch = batchOf(quantize);
  if (batch > 1 && kind !== "compare") {
    const expected = "ranges of one image, since it runs images one by one (Compare measures per batch)";
    return [expected, `ranges per batch of ${batch}`, "Choose ranges per image"];
  }
  if (kind !== "sensitivity") return null;
  const fixed = blocks ? "blocks" : by === "linear" && linears ? "linears" : null;
  return fixed && [`all ${fixed}, through which it goes`, `chosen ${fixed}`, `Quantize all ${fixed}`];
}

/** What an experiment has found so far; the last one is its result. */
export type ExperimentResult =
  | { readonly kind: "sensitivity"; readonly report: SensitivityReport }
  | {
      readonly kind: "search";
      readonly report: SearchReport;
      readonly sensitiveBlock: number;
      /** Registers that the settings use, by how many distinct ones they are, ascending; in the engine. */
      readonly registers: readonly RegistersInfo[];
    }
  | {
      readonly kind: "compare";
      readonly report: EvaluationReport;
      readonly configurations: readonly Configuration[];
      readonly settings: Comparison["settings"];
      readonly omitted: Comparison["omitted"];
      readonly sensitiveBlock: number;
      /** Registers that the searched settings use, as a search has them. */
      readonly registers: readonly RegistersInfo[];
      /** Images that everything was chosen on. */
      readonly chosenOn: string;
      /** Images that everything would have been chosen on, but that could not be read. */
      readonly skipped: Skipped;
    };

/** Told while an experiment runs: how far it is, or what it has found so far. */
export interface ExperimentUpdate {
  readonly progress: Progress;
  readonly result: ExperimentResult | null;
}

/** What an interrupted experiment goes on from. */
export const experimentProgressSchema = z.strictObject({
  /** What its results depend on beside its settings, by name: it goes on only where all of it is equal. */
  subject: z.record(z.string(), z.string()),
  /** What it remembers, by the names of its memory (regcache/experiment-memory.ts); plain data. */
  parts: z.record(z.string(), z.unknown()),
});
export type ExperimentProgress = z.infer<typeof experimentProgressSchema>;

/** Names of those parts that say how far an experiment is; of searches the names begin so. */
export const PARTS = { sensitivity: "sensitivity", search: "search", evaluation: "evaluation" } as const;

/** What an experiment is given beside its request. */
export interface ExperimentInputs {
  /** Of the model: a set whose classes are all among them is read zero-shot. */
  readonly classEmbeddings: ClassEmbeddings | null;
  /** It goes on from here; null = it starts anew. */
  readonly resume: ExperimentProgress | null;
}

/** The part of the lab that runs experiments. */
export interface ExperimentApi {
  /**
   * Runs an experiment on the current model in the background; `onUpdate` is called now and then.
   * @param onProgress takes what it can go on from, every few seconds and when it is interrupted
   * @throws InputError when it does not fit the model or the data set; CancelledError on `cancel("experiment")`
   */
  experiment(
    request: ExperimentRequest,
    inputs: ExperimentInputs,
    onUpdate: (update: ExperimentUpdate) => void,
    onProgress: (progress: ExperimentProgress) => void,
  ): Promise<{ readonly result: ExperimentResult }>;
}
