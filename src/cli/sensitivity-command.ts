import type { EncoderSpec } from "../encoder/spec.ts";
import { type Quantization, quantizationSchema } from "../intervention/intervention.ts";
import {
  type SensitivityReport,
  sweepSensitivity,
  type UnitResult,
  unitName,
} from "../regcache/sensitivity.ts";
import { modelReport } from "../trace/trace-report.ts";
import { withImages } from "./open-calibration.ts";
import { asCalibration, headFor, type ImagesFlags, openImages } from "./open-images.ts";
import { openModel } from "./open-model.ts";
import { createProgress, formatTable, magnitude, printJson, printText } from "./output.ts";

export interface SensitivityFlags extends ImagesFlags {
  readonly by: "block" | "linear";
  /** Bits of weights and activations. */
  readonly bits: number;
  /** All of the quantizer; overrides `bits`. */
  readonly quantize?: Quantization;
  readonly json?: boolean;
}

/**
 * `sensitivity`: one block or one linear at a time quantized, the rest FP.
 * @throws InputError for anything that does not fit; CancelledError on abort
 */
export async function sensitivityCommand(flags: SensitivityFlags, signal?: AbortSignal): Promise<void> {
  const images = await openImages(flags);
  const model = await openModel({ ...flags, model: images.model }, signal);
  try {
    const { engine, sha256 } = model;
    const head = await headFor(model, images, flags, signal);
    const progress = createProgress();
    let last: SensitivityReport | undefined;
    const calibration = await asCalibration(model, images, flags, signal);
    const options = {
      quantize: withImages(model, flags.quantize ?? atBits(flags.bits), calibration),
      by: flags.by,
      head,
      ...(signal && { signal }),
    };
    for await (last of sweepSensitivity(engine, calibration, options)) {
      progress("Sensitivity", last.n, last.total);
    }
    const report = { seed: flags.seed, model: modelReport(engine.spec, sha256), ...last! };
    if (flags.json) printJson(report);
    else printText(toText(last!, engine.spec));
  } finally {
    await model.close();
  }
}

/** Symmetric, dynamic per-tensor quantization at so many bits: the paper's naive quantizer. */
export function atBits(bits: number): Quantization {
  return quantizationSchema.parse({ weightBits: bits, activationBits: bits });
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
