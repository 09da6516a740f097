import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import type { RegistersInfo } from "../worker/api.ts";
import { type Controls, clampControls, toIntervention, withIntervention } from "./controls.ts";
import { type DeletionControls, withDeletion } from "./deletion-controls.ts";
import type { LinkState } from "./hash.ts";
import { DATASET_CALIBRATION } from "./quantizer.ts";

type Shape = Pick<EncoderSpec, "blocks" | "grid">;
type Known = readonly Pick<RegistersInfo, "id" | "block" | "distinct">[];

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
  const first = registers[0];
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
    },
    deletion: recommended?.delete ? withDeletion(deletion, recommended.delete) : deletion,
    bits: "fp32",
    weightGranularity: "per-tensor",
    quantizer: {},
    calibration: DATASET_CALIBRATION,
  };
  return clampControls(controls, spec, registers);
}

/**
 * Puts a link's intervention into a model's controls.
 * @throws InputError when the link names registers, blocks or counts that this model does not have
 */
export function linkedControls(defaults: Controls, link: LinkState, spec: Shape, registers: Known): Controls {
  const ids = registers.map(({ id }) => id);
  const wanted = withIntervention(defaults, link.intervention);
  const fitted = clampControls(wanted, spec, registers);
  const got = JSON.stringify(toIntervention(fitted));
  if (got === JSON.stringify(toIntervention(wanted))) return fitted;
  throw new InputError(
    "The link",
    `settings of this model (${spec.blocks} blocks, ${spec.grid ** 2} patches, registers ${ids.join(", ") || "none"})`,
    JSON.stringify(link.intervention),
    "The model's default settings are used.",
  );
}
