import { InputError } from "../errors/input-error.ts";
import { DELETION_CRITERIA, deletionSettingSchema } from "../intervention/deletion.ts";
import { NO_INTERVENTION, type Quantization, quantizationSchema } from "../intervention/intervention.ts";
import { quantizationPairs } from "../intervention/quantization-text.ts";
import { type ExperimentKind, type ExperimentRequest, requireRunnable } from "../worker/experiment-api.ts";
import { type Controls, quantizationOf, toIntervention } from "./controls.ts";
import type { ExperimentSettings } from "./experiments.ts";
import type { LabState } from "./state.ts";

/** All of a request but the data set, which may have to be opened first. */
export type AskedExperiment = Omit<ExperimentRequest, "dataset">;

/**
 * What an experiment is asked for, by the panel's settings and the controls.
 * @throws InputError when the controls have no setting that a comparison is to take from them, or their quantizer does not go with
 *   the experiment
 */
export function askedExperiment(
  { experiments, controls, accuracy }: Pick<LabState, "experiments" | "controls" | "accuracy">,
  kind: ExperimentKind,
): AskedExperiment {
  const { settings } = experiments;
  const { quantizer, regcache, by, objective, chooseOn, measureOn, compareRegisters: distinct } = settings;
  const takesSetting = kind === "compare" && regcache === "controls";
  const known = takesSetting ? knownFrom(controls) : null;
  const quantize = experimentQuantizer(settings, controls);
  const space = spaceOf(settings);
  const { seed, probe } = accuracy;
  const images = { chooseOn, measureOn, seed };
  const asked = { kind, quantize, quantizer, by, space, objective, ...images, probe, distinct, known };
  requireRunnable(asked);
  return asked;
}

/** The quantizer that experiments run with: a plain one, or the controls' own, at W8A8 while they say FP32. */
export function experimentQuantizer(
  { quantizer, bits }: Pick<ExperimentSettings, "quantizer" | "bits">,
  controls: Controls | null,
): Quantization {
  if (quantizer === "controls" && controls) return quantizationOf(controls);
  const width = Number(bits[1]);
  return quantizationSchema.parse({ weightBits: width, activationBits: width });
}

/**
 * A quantizer for people, e.g. "as the controls: W6A6, weights per-channel, base=repq-vit, calibration=dataset": its settings
 * in the words of links and of the command line's `--quantize`.
 */
export function quantizerText({
  quantizer,
  quantize,
}: Pick<ExperimentRequest, "quantizer" | "quantize">): string {
  const { weightBits, activationBits, weightGranularity } = quantize;
  const bits = `W${weightBits}A${activationBits}`;
  if (quantizer === "plain") return `plain, ${bits}`;
  const settings = quantizationPairs(quantize).map(([key, value]) => `${key}=${value}`);
  return `as the controls: ${[bits, `weights ${weightGranularity}`, ...settings].join(", ")}`;
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

/**
 * The controls' prefix and deletion as a known setting.
 * @throws InputError where both are off, there are no registers, or the two have different ones
 */
function knownFrom(controls: Controls | null): ExperimentRequest["known"] {
  const { prefix, delete: deletion } = controls ? toIntervention(controls) : NO_INTERVENTION;
  const used = new Set([prefix?.registers, deletion?.registers].filter((id) => id !== undefined));
  const [registers = controls?.registers ?? null, other] = used;
  if (registers === null) {
    const expected = "registers, and a prefix or a deletion in the controls";
    const remedy = "Curate registers or open a registers file and turn on the prefix";
    throw refusedSetting(expected, "no registers", remedy);
  }
  if (!prefix && !deletion) {
    const remedy = "Turn on the prefix or the deletion in the controls";
    throw refusedSetting("a prefix or a deletion in the controls", "both are off", remedy);
  }
  if (other !== undefined) {
    const remedy = "Let the prefix use the registers, or delete by another rule";
    throw refusedSetting("the same registers in prefix and deletion", "different ones", remedy);
  }
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

function refusedSetting(expected: string, got: string, remedy: string): InputError {
  return new InputError(
    "RegCache in Compare, as the controls",
    expected,
    got,
    `${remedy}, or choose "searched".`,
  );
}
