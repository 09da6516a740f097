import { scaleBand, scaleLinear, scaleLog } from "d3-scale";
import { line, symbol, symbolCircle, symbolDiamond } from "d3-shape";
import { formatMagnitude, formatPercent, formatTick } from "../figures/format.ts";
import { logTicks } from "../figures/log-scale.ts";
import type { LayerPoint } from "../figures/norm-lines.ts";
import { isSameUnit, sensitivityFigure } from "../figures/sensitivity-figure.ts";
import { type SensitivityReport, unitName } from "../regcache/sensitivity.ts";
import { useWidth } from "./use-width.ts";

const MARGIN = { left: 46, right: 8, bottom: 22 };
const PLOT = 92;
/** Above every plot, for its title. */
const TITLE = 30;
const DIAMOND = symbol(symbolDiamond, 34)() ?? "";
const CIRCLE = symbol(symbolCircle, 26)() ?? "";

/** Every name is followed by the tensor that is read, as the table has it. */
export const RESIDUAL_MAXIMUM = "residual maximum (L∞ after the block)";
export const FC2_MAXIMUM = "FC2-input maximum (L∞)";

/** Small multiples over the blocks: feature error of each unit alone, its top-1 where labels are read, FP32's maxima. */
export function SensitivityChart({ report }: { readonly report: SensitivityReport }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { units, blocks, mostSensitive, fp32 } = report;
  const figure = sensitivityFigure(report);
  const { perBlock, places, losses } = figure;
  const right = Math.max(MARGIN.left + 1, width - MARGIN.right);
  const x = scaleBand<number>()
    .domain(blocks.map(({ block }) => block))
    .range([MARGIN.left, right])
    .paddingInner(0.2);
  const bar = x.bandwidth() / perBlock;
  const xOfUnit = (i: number) => x(places[i]!.block)! + places[i]!.index * bar;
  const middle = (block: number) => x(block)! + x.bandwidth() / 2;

  const tops = [TITLE, ...(figure.top1 ? [2 * TITLE + PLOT] : [])];
  const maximaTop = tops.length * (TITLE + PLOT) + TITLE;
  const height = maximaTop + PLOT + MARGIN.bottom;
  const loss = scaleLinear()
    .domain([0, figure.mostLoss])
    .range([TITLE + PLOT, TITLE]);
  const top1 = scaleLinear()
    .domain(figure.top1 ?? [0, 1])
    .range([(tops[1] ?? 0) + PLOT, tops[1] ?? 0]);
  const { low, high } = figure.maxima;
  // A log axis has no place for zero; such points sit on the lower edge.
  const maximum = scaleLog()
    .domain([low, high])
    .range([maximaTop + PLOT, maximaTop])
    .clamp(true);
  const yOf = ({ value }: LayerPoint) => maximum(Math.max(value ?? 0, low));
  const path = line<LayerPoint>((point) => middle(point.block), yOf);
  const powers = logTicks(figure.maxima).filter((tick) => Number.isInteger(Math.log10(tick)));
  const grid = { from: MARGIN.left, to: right };
  return (
    <div ref={ref} className="chart">
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`By block: one minus the mean cosine to FP32 of each unit alone; ${
          fp32 ? "its top-1; " : ""
        }${RESIDUAL_MAXIMUM} and ${FC2_MAXIMUM} in FP32. The table below has the numbers.`}
      >
        <g className="axis">
          <Ticks values={loss.ticks(3)} y={loss} format={loss.tickFormat(3)} {...grid} />
          <text x={MARGIN.left} y={TITLE - 9}>
            1 − mean cosine, one unit alone
          </text>
          {figure.top1 && (
            <>
              <Ticks
                values={top1.ticks(3)}
                y={top1}
                format={(value) => `${Math.round(value * 100)} %`}
                {...grid}
              />
              <text x={MARGIN.left} y={tops[1]! - 9}>
                top-1, one unit alone (dashes: FP32)
              </text>
            </>
          )}
          <Ticks values={powers} y={maximum} format={formatTick} {...grid} />
          <text x={MARGIN.left} y={maximaTop - 9}>
            maxima in FP32, log scale
          </text>
          {blocks.map(({ block }) => (
            <text key={block} x={middle(block)} y={height - 6} textAnchor="middle">
              {block}
            </text>
          ))}
        </g>
        {units.map((unit, i) => (
          <rect
            key={unitName(unit)}
            className={isSameUnit(unit, mostSensitive) ? "bar-unit bar-worst" : "bar-unit"}
            x={xOfUnit(i)}
            width={Math.max(1, bar - 1)}
            y={loss(losses[i]!)}
            height={Math.max(0, TITLE + PLOT - loss(losses[i]!))}
          >
            <title>{`${unitName(unit)}: mean cosine ${unit.cosine.toFixed(5)}`}</title>
          </rect>
        ))}
        {figure.top1 && fp32 && (
          <>
            <line
              className="fp32-rule"
              x1={MARGIN.left}
              x2={right}
              y1={top1(fp32.top1)}
              y2={top1(fp32.top1)}
            />
            {units.map((unit, i) =>
              unit.accuracy ? (
                <path
                  key={unitName(unit)}
                  className={isSameUnit(unit, mostSensitive) ? "bar-unit bar-worst" : "bar-unit"}
                  d={CIRCLE}
                  transform={`translate(${xOfUnit(i) + bar / 2},${top1(unit.accuracy.top1)})`}
                >
                  <title>{`${unitName(unit)}: top-1 ${formatPercent(unit.accuracy.top1)}, FP32 ${formatPercent(fp32.top1)}`}</title>
                </path>
              ) : null,
            )}
          </>
        )}
        {figure.fc2Input.map((point) => (
          <rect
            key={point.block}
            className="bar-maximum"
            x={x(point.block)!}
            width={x.bandwidth()}
            y={yOf(point)}
            height={Math.max(0, maximaTop + PLOT - yOf(point))}
          >
            <title>{`block ${point.block}: ${FC2_MAXIMUM} ${formatMagnitude(point.value ?? 0)}`}</title>
          </rect>
        ))}
        <g className="curve curve-residual">
          <path d={path(figure.residual) ?? ""} />
          {figure.residual.map((point) => (
            <path
              key={point.block}
              className="point"
              d={DIAMOND}
              transform={`translate(${middle(point.block)},${yOf(point)})`}
            >
              <title>{`block ${point.block}: ${RESIDUAL_MAXIMUM} ${formatMagnitude(point.value ?? 0)}`}</title>
            </path>
          ))}
        </g>
      </svg>
      <p className="grid-key">
        <span>
          <svg
            width="22"
            height="12"
            viewBox="-11 -6 22 12"
            className="curve curve-residual"
            aria-hidden="true"
          >
            <path d="M-11,0 H11" />
            <path className="point" d={DIAMOND} />
          </svg>
          {RESIDUAL_MAXIMUM}
        </span>
        <span>
          <svg width="12" height="12" aria-hidden="true">
            <rect className="bar-maximum" width="12" height="12" />
          </svg>
          {FC2_MAXIMUM}
        </span>
      </p>
    </div>
  );
}

/** Ticks of one plot, with lines across it. */
function Ticks(props: {
  readonly values: readonly number[];
  readonly y: (value: number) => number;
  readonly format: (value: number) => string;
  readonly from: number;
  readonly to: number;
}) {
  const { values, y, format, from, to } = props;
  return values.map((tick) => (
    <g key={tick} transform={`translate(${from},${y(tick)})`}>
      <line className="grid-line" x2={to - from} />
      <text x={-6} dy="0.32em" textAnchor="end">
        {format(tick)}
      </text>
    </g>
  ));
}
