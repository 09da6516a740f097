import { encoderKey } from "../encoder/encoder-key.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { headKey } from "../evaluate/head.ts";
import type { Quantization } from "../intervention/intervention.ts";
import {
  type SensitivityReport,
  sweepSensitivity,
  type UnitResult,
  unitName,
} from "../regcache/sensitivity.ts";
import { modelReport } from "../trace/trace-report.ts";
import { headFor } from "./head-for.ts";
import { withImages } from "./open-calibration.ts";
import { asCalibration, type ImagesFlags, openImages } from "./open-images.ts";
import { openModel } from "./open-model.ts";
import { createProgress, formatTable, magnitude, printJson, printText } from "./output.ts";
import { type QuantizerFlags, quantizerOf } from "./quantizer-flags.ts";
import { openState, requireState } from "./state-file.ts";

export interface SensitivityFlags extends ImagesFlags, QuantizerFlags {
  readonly by: "block" | "linear";
  /** File that the sweep is kept in, and goes on from when it is there. */
  readonly state?: string;
  readonly json?: boolean;
}

/**
 * `sensitivity`: one block or one linear at a time quantized, the rest FP.
 * @throws InputError for anything that does not fit; CancelledError on abort, with the state file written
 */
export async function sensitivityCommand(flags: SensitivityFlags, signal?: AbortSignal): Promise<void> {
  const wanted = quantizerOf(flags);
  requireSwept(wanted, flags.by);
  await requireState(flags.state);
  const images = await openImages(flags);
  const model = await openModel({ ...flags, model: images.model }, signal);
  try {
    const { engine, sha256 } = model;
    const head = await headFor(model, images, flags, signal);
    const progress = createProgress();
    let last: SensitivityReport | undefined;
    const calibration = await asCalibration(model, images, flags, signal);
    const { by } = flags;
    const quantize = withImages(model, wanted, calibration);
    const state = await openState(flags.state, "sensitivity", {
      encoder: encoderKey({ sha256, spec: engine.spec }),
      images: calibration.digest,
      quantizer: JSON.stringify(quantize),
      unit: by,
      head: headKey(head),
    });
    const options = { quantize, by, head, memory: state, ...(signal && { signal }) };
    try {
      for await (last of sweepSensitivity(engine, calibration, options)) {
        progress("Sensitivity", last.n, last.total);
      }
    } finally {
      await state.save();
    }
    const report = { seed: flags.seed, model: modelReport(engine.spec, sha256), ...last! };
    if (flags.json) printJson(report);
    else printText(toText(last!, engine.spec));
  } finally {
    await model.close();
  }
}

/** @throws InputError when a quantizer says itself where it applies, which is what a sweep varies */
function requireSwept({ blocks, linears }: Quantization, by: SensitivityFlags["by"]): void {
  const fixed = blocks ? "blocks" : by === "linear" && linears ? "linears" : null;
  if (fixed === null) return;
  const remedy = "Leave it out; with --by block, linears may be named.";
  throw new InputError("--quantize", `no ${fixed}: the sweep goes through all`, `${fixed}=...`, remedy);
}

function toText(report: SensitivityReport, spec: EncoderSpec): string {
  const { n, data, head, fp32, units, blocks, quantize } = report;
  const bits = `W${quantize.weightBits}A${quantize.activationBits}`;
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const row = (unit: UnitResult) => {
    const { residual, fc2Input } = blocks[unit.block]!;
    return [
      unitName(unit),
      ...(unit.accuracy ? [percent(unit.accuracy.top1)] : []),
      unit.mse.toExponential(3),
      unit.cosine.toFixed(4),
      magnitude(residual.max),
      magnitude(fc2Input.max),
    ];
  };
  const columns = ["feature MSE", "cosine to FP32", "residual max", "fc2 input max"];
  const table = [[`${bits} alone`, ...(fp32 ? ["top-1"] : []), ...columns], ...units.map(row)];
  return [
    `${spec.label} on ${data}: ${n} images, ${head ?? "label-free"}${fp32 ? `, FP32 ${percent(fp32.top1)}` : ""}`,
    `most sensitive: ${unitName(report.mostSensitive)}`,
    "",
    formatTable(table),
  ].join("\n");
}
