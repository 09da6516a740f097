import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import { mostDeleted, needsRegisters } from "../intervention/deletion.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { RegistersInfo } from "../worker/api.ts";
import { type Controls, clampControls, toIntervention, withIntervention } from "./controls.ts";
import { type DeletionControls, withDeletion } from "./deletion-controls.ts";
import type { LinkState } from "./hash.ts";
import type { KnownRegisters } from "./prefix-choice.ts";
import { DATASET_CALIBRATION } from "./quantizer.ts";

type Shape = Pick<EncoderSpec, "blocks" | "grid">;
type Known = readonly (KnownRegisters[number] & Pick<RegistersInfo, "block">)[];

/**
 * First controls for a model. Without a recommendation: the prefix starts up to two blocks before the block after
 * which the registers' candidates were chosen, and L-inf deletes at the block after it (paper, steps 2 to 4); without
 * registers the middle block stands for theirs. Prefix and deletion are on where registers or a recommendation say how.
 */
export function defaultControls(
  spec: Shape,
  registers: Known,
  recommended: RegCacheSetting | null,
): Controls {
  const first = registers.find(({ kind }) => kind === "outliers");
  const centre = first?.block ?? Math.floor(spec.blocks / 2) - 1;
  const deletion: DeletionControls = {
    on: !recommended && first !== undefined,
    block: centre + 1,
    count: Math.min(8, Math.ceil(spec.grid ** 2 / 16)),
    by: "linf",
    tensor: "residual",
    criterion: "prefixquant",
    above: null,
    capped: false,
  };
  const controls: Controls = {
    registers: first?.id ?? null,
    prefix: {
      on: recommended ? Boolean(recommended.prefix) : first !== undefined,
      from: recommended?.prefix?.from ?? Math.max(0, centre - 2),
      to: recommended?.prefix?.to ?? spec.blocks - 1,
      count: recommended?.prefix?.count ?? 4,
      distinct: recommended?.prefix?.distinct ?? 1,
      alternative: null,
      kind: "outliers",
    },
    deletion: recommended?.delete ? withDeletion(deletion, recommended.delete) : deletion,
    bits: "fp32",
    weightGranularity: "per-tensor",
    quantizer: {},
    calibration: DATASET_CALIBRATION,
  };
  return clampControls(controls, spec, registers);
}

/** A link in a model's controls. */
export interface LinkedControls {
  readonly controls: Controls;
  /** What of the link is not in them, and why. */
  readonly misfits: readonly InputError[];
}

/**
 * Puts a link's intervention into a model's controls, as far as it fits. Where its registers are not here, what needs them is off
 * and keeps its numbers, so that the prefix is the link's once they are opened. Blocks and counts that the model does not have are
 * changed to the nearest that it has.
 */
export function linkedControls(
  defaults: Controls,
  { intervention }: LinkState,
  spec: Shape,
  registers: Known,
): LinkedControls {
  const { prefix, delete: deletion } = intervention;
  const isMissing = (id: string | undefined): id is string =>
    id !== undefined && registers.every((known) => known.id !== id);
  const dropsPrefix = isMissing(prefix?.registers);
  const measured = deletion && needsRegisters(deletion) ? deletion.registers : undefined;
  const dropsDeletion = isMissing(measured);
  const asked = withIntervention(defaults, {
    ...intervention,
    ...(dropsPrefix && { prefix: null }),
    ...(dropsDeletion && { delete: null }),
  });
  const wanted: Controls = {
    ...asked,
    ...(dropsPrefix && {
      prefix: {
        ...asked.prefix,
        ...{ from: prefix!.from, to: prefix!.to, count: prefix!.count, distinct: prefix!.distinct ?? 1 },
      },
    }),
    ...(dropsDeletion && { deletion: { ...withDeletion(asked.deletion, deletion!), on: false } }),
  };
  const controls = clampControls(wanted, spec, registers);
  const missing = [prefix?.registers, measured].filter(isMissing);
  const misfits = [
    missing.length > 0 ? missingRegisters([...new Set(missing)], dropsPrefix, dropsDeletion) : null,
    unlike(toIntervention(wanted), toIntervention(controls), spec),
  ];
  return { controls, misfits: misfits.filter((each) => each !== null) };
}

function missingRegisters(ids: readonly string[], dropsPrefix: boolean, dropsDeletion: boolean): InputError {
  const off = [
    ...(dropsPrefix ? ["the register prefix"] : []),
    ...(dropsDeletion ? ["deletion by similarity"] : []),
  ];
  return new InputError(
    "The link",
    `registers ${ids.join(" and ")} of the encoder that is open`,
    "none of that name in this browser",
    `Open their registers file, or curate them again from the same images (panel Registers). Until then ${off.join(" and ")} ${off.length > 1 ? "are" : "is"} off; all else is as in the link.`,
  );
}

/** The parts of a link that the model cannot have as they are, in words; null where it can. */
function unlike(wanted: Intervention, fitted: Intervention, { blocks, grid }: Shape): InputError | null {
  const differs = (part: "prefix" | "delete" | "quantize") =>
    JSON.stringify(wanted[part]) !== JSON.stringify(fitted[part]);
  const { prefix, delete: deletion, quantize } = wanted;
  const count = deletion && mostDeleted(deletion);
  const parts = [
    prefix && differs("prefix")
      ? `a prefix in blocks ${prefix.from} to ${prefix.to}, ${prefix.count} times ${prefix.distinct ?? 1}`
      : null,
    deletion && differs("delete")
      ? `deletion at block ${deletion.block}${count === null ? "" : ` of ${count} patches`}`
      : null,
    quantize && differs("quantize") ? `quantization of blocks ${quantize.blocks?.join(", ")}` : null,
  ].filter((each) => each !== null);
  if (parts.length === 0) return null;
  return new InputError(
    "The link",
    `settings of the encoder that is open (${blocks} blocks, ${grid ** 2} patches)`,
    parts.join(" and "),
    "The nearest that it has is used; all else is as in the link.",
  );
}
