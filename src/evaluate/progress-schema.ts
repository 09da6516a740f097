import { z } from "zod";

/** What is kept of an evaluation, checked when it is read again; see {@link EvaluationProgress} and {@link ConfigurationCounts}. */

const count = z.int().min(0);

export const countsSchema = z.object({
  both: count,
  firstOnly: count,
  secondOnly: count,
  neither: count,
  cosines: z.number(),
});

export const progressSchema = z.object({
  n: count,
  total: count,
  skipped: z.object({ count, examples: z.array(z.string()) }),
  seed: z.int(),
  // Absent in what was kept before there were batches.
  batch: z.int().min(1).default(1),
  dataset: z.string(),
  head: z.string(),
  configurations: z.array(z.object({ name: z.string(), counts: countsSchema })),
});

const interval = z.tuple([z.number(), z.number()]);

/** A whole report, see {@link EvaluationReport}. */
export const reportSchema = progressSchema.extend({
  configurations: z.array(
    z.object({
      name: z.string(),
      correct: count,
      top1: z.number(),
      interval,
      meanCosine: z.number(),
      millisecondsPerImage: z.number(),
      weightBytes: z.number(),
      difference: z.object({ value: z.number(), interval }),
      counts: countsSchema,
    }),
  ),
});
