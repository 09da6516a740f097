import { applySetting } from "../evaluate/recommended.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { KnownSetting } from "../regcache/comparison.ts";
import type { ExperimentRequest } from "../worker/experiment-api.ts";
import { adoptedQuantizer } from "./adopted-quantizer.ts";
import { type Controls, withIntervention } from "./controls.ts";

/**
 * The controls with a setting that a comparison had taken from them, and the quantizer that it was compared with. What the page
 * knows of where the setting was chosen stays: it goes by the setting itself.
 * @param blocks L of the encoder
 * @param own see {@link adoptedQuantizer}
 */
export function withKnownSetting(
  controls: Controls,
  { setting, registers }: KnownSetting,
  request: Pick<ExperimentRequest, "quantize" | "quantizer">,
  blocks: number,
  own?: number,
): Controls {
  const parts = applySetting(setting, registers, blocks);
  return {
    ...withIntervention(controls, { ...NO_INTERVENTION, ...parts }),
    ...adoptedQuantizer(controls, request, own),
    registers,
  };
}
