import type { ExperimentMemory } from "../regcache/experiment-memory.ts";
import type { LabelledSet } from "./dataset.ts";
import { type EvaluateOptions, evaluateWith } from "./evaluate.ts";
import type { Head } from "./head.ts";
import type { ImageRunner } from "./image-runner.ts";
import { progressSchema, reportSchema } from "./progress-schema.ts";
import type { Configuration, EvaluationReport } from "./report.ts";

/** Names in the memory: how far it is, and the whole report once it is done. */
const PROGRESS = "evaluation";
const REPORT = "report";

/**
 * {@link evaluateWith}, which goes on where its memory says; one that the memory holds whole yields its report again, with the times
 * of the machine that measured it.
 * @throws as evaluateWith; InputError when what the memory holds is of another evaluation
 */
export async function* rememberedEvaluation(
  memory: ExperimentMemory,
  runners: readonly ImageRunner[],
  set: LabelledSet,
  configurations: readonly Configuration[],
  head: Head,
  options: Omit<EvaluateOptions, "resume">,
): AsyncGenerator<EvaluationReport, void> {
  const whole = memory.recall(REPORT, reportSchema);
  if (whole) {
    yield whole;
    return;
  }
  const resume = memory.recall(PROGRESS, progressSchema) ?? undefined;
  let last: EvaluationReport | undefined;
  for await (const report of evaluateWith(runners, set, configurations, head, { ...options, resume })) {
    last = report;
    // The last one is kept as a report: what is complete is not gone on with.
    if (report.n + report.skipped.count < report.total)
      await memory.keep(PROGRESS, () => progressSchema.parse(report));
    yield report;
  }
  await memory.keep(REPORT, () => last);
}
