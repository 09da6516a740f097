import { DELETION_CRITERIA, deletionSettingSchema } from "../intervention/deletion.ts";
import { quantizationSchema } from "../intervention/intervention.ts";
import type { ExperimentKind, ExperimentRequest } from "../worker/experiment-api.ts";
import { toIntervention } from "./controls.ts";
import type { ExperimentSettings } from "./experiments.ts";
import type { LabState } from "./state.ts";

/**
 * What an experiment is asked for, by the panel's settings and the controls.
 * @param dataset id of the opened data set
 */
export function experimentRequest(
  { experiments, controls, accuracy }: Pick<LabState, "experiments" | "controls" | "accuracy">,
  kind: ExperimentKind,
  dataset: string,
): ExperimentRequest {
  const { settings } = experiments;
  const { bits, regcache, by, objective, chooseOn, measureOn, compareRegisters: distinct } = settings;
  const intervention = controls && toIntervention(controls);
  const known = regcache === "controls" && intervention ? knownFrom(intervention, controls.registers) : null;
  const width = Number(bits[1]);
  const quantize = quantizationSchema.parse({ weightBits: width, activationBits: width });
  const space = spaceOf(settings);
  const { seed, probe } = accuracy;
  const images = { chooseOn, measureOn, seed };
  return { kind, dataset, quantize, by, space, objective, ...images, probe, distinct, known };
}

/** Distinct registers that a search tries, where it tries several. */
const SEVERAL = [1, 2, 4];

function spaceOf({
  rule,
  anyLast,
  severalRegisters,
  postLn,
  criteria,
  capped,
  atMost,
}: ExperimentSettings): ExperimentRequest["space"] {
  const all = criteria === "all" ? DELETION_CRITERIA : [criteria].filter((each) => each !== "none");
  return {
    rule,
    tensor: postLn ? "any" : "residual",
    criteria: [...all],
    atMost: capped ? [atMost, null] : [null],
    registers: severalRegisters ? SEVERAL : [1],
    ...(anyLast && { to: "any" }),
  };
}

/** The controls' prefix and deletion as a known setting; null where both are off or there are no registers. */
function knownFrom(
  { prefix, delete: deletion }: ReturnType<typeof toIntervention>,
  registers: string | null,
): ExperimentRequest["known"] {
  if (registers === null || (!prefix && !deletion)) return null;
  const { registers: _, ...rule } = deletion ?? {};
  return {
    registers,
    setting: {
      prefix: prefix && {
        ...{ from: prefix.from, to: prefix.to, count: prefix.count },
        ...(prefix.distinct !== undefined && { distinct: prefix.distinct }),
      },
      delete: deletion && deletionSettingSchema.parse(rule),
    },
  };
}
