import { z } from "zod";
import type { Head } from "./head.ts";
import { NEIGHBOURS, nearestNeighbours } from "./knn.ts";
import { type LabelledFeatures, nearestClassMean, ridgeProbe } from "./probe.ts";

/** A head that is fitted on labelled images. */
export const probeChoiceSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ncm") }),
  /** Without a penalty `lambda`, leave-one-out chooses it. */
  z.strictObject({ kind: z.literal("ridge"), lambda: z.number().gt(0).optional() }),
  /** `neighbours`: k, DINO's 20 by default. */
  z.strictObject({ kind: z.literal("knn"), neighbours: z.int().min(1).optional() }),
]);
export type ProbeChoice = Readonly<z.infer<typeof probeChoiceSchema>>;

/** Nearest class mean: nothing to choose, and fitted at once. */
export const DEFAULT_PROBE: ProbeChoice = { kind: "ncm" };

/**
 * Fits the chosen probe.
 * @throws InputError when the images do not do for it
 */
export function fitProbe(choice: ProbeChoice, data: LabelledFeatures): Head {
  switch (choice.kind) {
    case "ncm":
      return nearestClassMean(data);
    case "ridge":
      return ridgeProbe(data, choice.lambda);
    case "knn":
      return nearestNeighbours(data, choice.neighbours ?? NEIGHBOURS);
  }
}
