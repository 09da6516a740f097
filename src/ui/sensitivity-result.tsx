import { scaleBand, scaleLinear, scaleLog } from "d3-scale";
import { formatMagnitude, formatPercent } from "../figures/format.ts";
import { type SensitivityReport, type UnitResult, unitName } from "../regcache/sensitivity.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { SaveExperiment } from "./save-experiment.tsx";
import { SkippedImages } from "./skipped-images.tsx";
import { useWidth } from "./use-width.ts";

const HEIGHT = 230;
/** Where the upper plot ends, and the lower one begins. */
const SPLIT = { upper: 104, lower: 126 };
const MARGIN = { left: 46, right: 8, top: 8, bottom: 22 };

/** Bars over the units: feature error of each alone (above), FC2-input maximum of its block (below). */
export function SensitivityResult({ record }: { readonly record: ExperimentRecord }) {
  if (record.result.kind !== "sensitivity") return null;
  const { report } = record.result;
  const { n, total, skipped, data, head, fp32, mostSensitive, units, quantize } = report;
  const worst = units.find(
    ({ block, linear }) => block === mostSensitive.block && linear === mostSensitive.linear,
  )!;
  const bits = `W${quantize.weightBits}A${quantize.activationBits}`;
  return (
    <div className="experiment" data-testid="result-sensitivity" data-done={record.done}>
      <div className="panel-head">
        <h3>
          Sensitivity, {bits}{" "}
          <small>
            {n} of {total} images · {data} · {head ?? "label-free"}
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
    </div>
  );
}

function SensitivityChart({ report }: { readonly report: SensitivityReport }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { units, blocks, mostSensitive } = report;
  const right = Math.max(MARGIN.left + 1, width - MARGIN.right);
  const x = scaleBand<number>()
    .domain(blocks.map(({ block }) => block))
    .range([MARGIN.left, right])
    .paddingInner(0.2);
  const perBlock = Math.max(1, units.length / blocks.length);
  const losses = units.map(({ cosine }) => 1 - cosine);
  const top = scaleLinear()
    .domain([0, Math.max(1e-6, ...losses)])
    .range([SPLIT.upper, MARGIN.top]);
  const maxima = blocks.map(({ fc2Input }) => fc2Input.max);
  const bottom = scaleLog()
    .domain([Math.min(1, ...maxima.filter((value) => value > 0)), Math.max(10, ...maxima)])
    .range([HEIGHT - MARGIN.bottom, SPLIT.lower]);
  const bar = x.bandwidth() / perBlock;
  const isWorst = ({ block, linear }: UnitResult) =>
    block === mostSensitive.block && linear === mostSensitive.linear;
  return (
    <div ref={ref} className="chart">
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label="Above: one minus the mean cosine to FP32 of each unit alone. Below: maximum of FC2's input, by block."
      >
        <g className="axis">
          {top.ticks(3).map((tick) => (
            <g key={tick} transform={`translate(${MARGIN.left},${top(tick)})`}>
              <line className="grid-line" x2={right - MARGIN.left} />
              <text x={-6} dy="0.32em" textAnchor="end">
                {top.tickFormat(3)(tick)}
              </text>
            </g>
          ))}
          {bottom
            .ticks(3)
            .filter(isPowerOfTen)
            .map((tick) => (
              <g key={tick} transform={`translate(${MARGIN.left},${bottom(tick)})`}>
                <line className="grid-line" x2={right - MARGIN.left} />
                <text x={-6} dy="0.32em" textAnchor="end">
                  {tick}
                </text>
              </g>
            ))}
          {blocks.map(({ block }) => (
            <text key={block} x={x(block)! + x.bandwidth() / 2} y={HEIGHT - 6} textAnchor="middle">
              {block}
            </text>
          ))}
          <text x={MARGIN.left} y={SPLIT.lower - 8}>
            FC2-input maximum, FP32
          </text>
          <text x={MARGIN.left} y={MARGIN.top + 4} dx={4}>
            1 − cosine, one unit alone
          </text>
        </g>
        {units.map((unit, i) => (
          <rect
            key={unitName(unit)}
            className={isWorst(unit) ? "bar-unit bar-worst" : "bar-unit"}
            x={x(unit.block)! + (i % perBlock) * bar}
            width={Math.max(1, bar - 1)}
            y={top(1 - unit.cosine)}
            height={Math.max(0, SPLIT.upper - top(1 - unit.cosine))}
          >
            <title>{`${unitName(unit)}: cosine ${unit.cosine.toFixed(5)}`}</title>
          </rect>
        ))}
        {blocks.map(({ block, fc2Input }) => (
          <rect
            key={block}
            className="bar-maximum"
            x={x(block)!}
            width={x.bandwidth()}
            y={bottom(Math.max(fc2Input.max, bottom.domain()[0]!))}
            height={Math.max(0, HEIGHT - MARGIN.bottom - bottom(Math.max(fc2Input.max, bottom.domain()[0]!)))}
          >
            <title>{`block ${block}: FC2-input maximum ${formatMagnitude(fc2Input.max)}`}</title>
          </rect>
        ))}
      </svg>
    </div>
  );
}

function isPowerOfTen(value: number): boolean {
  return Number.isInteger(Math.log10(value));
}
