import { counted } from "../figures/counted.ts";
import { formatCount, formatPercent } from "../figures/format.ts";
import { isSameUnit } from "../figures/sensitivity-figure.ts";
import { unitName } from "../regcache/sensitivity.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { SaveExperiment } from "./save-experiment.tsx";
import { SensitivityChart } from "./sensitivity-chart.tsx";
import { SensitivityTable } from "./sensitivity-table.tsx";
import { SkippedImages } from "./skipped-images.tsx";

/** A sweep: the most sensitive unit, charts over the blocks, and all numbers as a table. */
export function SensitivityResult({ record }: { readonly record: ExperimentRecord }) {
  if (record.result.kind !== "sensitivity") return null;
  const { report } = record.result;
  const { n, total, skipped, data, head, fp32, mostSensitive, units, quantize } = report;
  const worst = units.find((unit) => isSameUnit(unit, mostSensitive))!;
  const bits = `W${quantize.weightBits}A${quantize.activationBits}`;
  return (
    <div className="experiment" data-testid="result-sensitivity" data-done={record.done}>
      <div className="panel-head">
        <h3>
          Sensitivity, {bits}{" "}
          <small>
            {formatCount(n)} of {counted(total, "image")} · {data} · {head ?? "label-free"}
          </small>
        </h3>
        <SaveExperiment record={record} />
      </div>
      <SkippedImages skipped={skipped} testId="sensitivity-skipped" />
      <p>
        Most sensitive: <strong data-testid="most-sensitive">{unitName(mostSensitive)}</strong>. Alone in{" "}
        {bits}: mean cosine to FP32 {worst.cosine.toFixed(4)}
        {worst.accuracy && fp32
          ? `, top-1 ${formatPercent(worst.accuracy.top1)} against ${formatPercent(fp32.top1)}`
          : ""}
        .
      </p>
      <SensitivityChart report={report} />
      <SensitivityTable report={report} />
    </div>
  );
}
