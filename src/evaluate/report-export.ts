import { csvFormat } from "d3-dsv";
import type { EncoderSpec } from "../encoder/spec.ts";
import { modelReport } from "../trace/trace-report.ts";
import type { Configuration, EvaluationReport } from "./report.ts";

/** An evaluation with what it was made from. */
export interface EvaluationRecord {
  readonly spec: EncoderSpec;
  /** Of model.safetensors. */
  readonly sha256: string;
  /** Digest of the data set's names and sizes; null where there is none. */
  readonly fingerprint: string | null;
  readonly configurations: readonly Configuration[];
  readonly report: EvaluationReport;
}

/**
 * An evaluation as the JSON object of `lab eval --json`, with the intervention of every configuration: proportions
 * and differences in 0..1, 95 % intervals.
 */
export function evaluationJson({ spec, sha256, fingerprint, configurations, report }: EvaluationRecord) {
  const { n, seed, dataset, configurations: results, ...rest } = report;
  return {
    n,
    seed,
    dataset,
    fingerprint,
    model: modelReport(spec, sha256),
    ...rest,
    configurations: results.map((result) => ({
      ...result,
      intervention: configurations.find(({ name }) => name === result.name)?.intervention ?? null,
    })),
  };
}

/** The same as a table: one row per configuration, numbers in full precision. */
export function evaluationCsv({
  spec,
  sha256,
  fingerprint,
  configurations,
  report,
}: EvaluationRecord): string {
  return csvFormat(
    report.configurations.map((result) => ({
      configuration: result.name,
      n: report.n,
      correct: result.correct,
      top1: result.top1,
      top1_low95: result.interval[0],
      top1_high95: result.interval[1],
      difference: result.difference.value,
      difference_low95: result.difference.interval[0],
      difference_high95: result.difference.interval[1],
      mean_cosine: result.meanCosine,
      milliseconds_per_image: result.millisecondsPerImage,
      weight_bytes: result.weightBytes,
      images: report.total,
      unreadable: report.skipped.count,
      seed: report.seed,
      batch: report.batch,
      dataset: report.dataset,
      fingerprint: fingerprint ?? "",
      head: report.head,
      model: spec.label,
      model_sha256: sha256,
      intervention: JSON.stringify(
        configurations.find(({ name }) => name === result.name)?.intervention ?? null,
      ),
    })),
  );
}
