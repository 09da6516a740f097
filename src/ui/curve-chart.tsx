import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import { formatTick } from "../figures/format.ts";
import { type Domain, logTicks } from "../figures/log-scale.ts";
import type { LayerPoint } from "../figures/norm-lines.ts";
import { useWidth } from "./use-width.ts";

const HEIGHT = 150;
const MARGIN = { left: 42, right: 8, top: 8, bottom: 22 };

/** One curve over the blocks. */
export interface Curve {
  readonly id: string;
  readonly points: readonly LayerPoint[];
  /** Path of the mark at every point: curves differ by more than colour. */
  readonly symbol: string;
}

/** Curves over the blocks on a fixed log axis; drawn in their order, coloured by `curve-<id>`. */
export function CurveChart(props: {
  readonly label: string;
  readonly blocks: number;
  readonly domain: Domain;
  readonly curves: readonly Curve[];
  /** Block with a rule. */
  readonly cursor?: number;
  readonly height?: number;
}) {
  const { domain, blocks, cursor, height = HEIGHT } = props;
  const [ref, width] = useWidth<HTMLDivElement>();
  const x = scaleLinear()
    .domain([0, Math.max(1, blocks - 1)])
    .range([MARGIN.left, Math.max(MARGIN.left + 1, width - MARGIN.right)]);
  const y = scaleLog()
    .domain([domain.low, domain.high])
    .range([height - MARGIN.bottom, MARGIN.top])
    .clamp(true);
  // A log axis has no place for zero; such points sit on the lower edge, like all that is clamped there.
  const yOf = (value: number) => y(Math.max(value, domain.low));
  const path = line<LayerPoint>()
    .defined(({ value }) => value !== null && Number.isFinite(value))
    .x((point) => x(point.block))
    .y((point) => yOf(point.value ?? domain.low));
  const ticks = logTicks(domain);
  // A crowded axis keeps its powers of ten.
  const shownTicks = ticks.length > 6 ? ticks.filter((tick) => Number.isInteger(Math.log10(tick))) : ticks;
  return (
    <div ref={ref} className="chart">
      <svg width={width} height={height} role="img" aria-label={props.label}>
        <g className="axis">
          {shownTicks.map((tick) => (
            <g key={tick} transform={`translate(${MARGIN.left},${y(tick)})`}>
              <line className="grid-line" x2={Math.max(0, width - MARGIN.left - MARGIN.right)} />
              <text x={-6} dy="0.32em" textAnchor="end">
                {formatTick(tick)}
              </text>
            </g>
          ))}
          {x
            .ticks(Math.min(blocks, 12))
            .filter(Number.isInteger)
            .map((tick) => (
              <text key={tick} x={x(tick)} y={height - 6} textAnchor="middle">
                {tick}
              </text>
            ))}
        </g>
        {cursor !== undefined && (
          <line
            className="cursor-rule"
            x1={x(cursor)}
            x2={x(cursor)}
            y1={MARGIN.top}
            y2={height - MARGIN.bottom}
          />
        )}
        {props.curves.map(({ id, points, symbol }) => (
          <g key={id} className={`curve curve-${id}`}>
            <path d={path(points) ?? ""} />
            {points.map(({ block: at, value }) =>
              value !== null && Number.isFinite(value) ? (
                <path key={at} className="point" d={symbol} transform={`translate(${x(at)},${yOf(value)})`} />
              ) : null,
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}
