import { scaleLinear, scaleLog } from "d3-scale";
import { line, symbol, symbolCircle, symbolDiamond } from "d3-shape";
import { formatTick } from "../figures/format.ts";
import { type Domain, logTicks } from "../figures/log-scale.ts";
import { type LayerPoint, layerCurve } from "../figures/norm-lines.ts";
import type { Tensor } from "../figures/tensors.ts";
import { LANES, tracesOf } from "../store/state.ts";
import type { Lane } from "../worker/api.ts";
import { useLabState } from "./lab-context.tsx";
import { useWidth } from "./use-width.ts";

const HEIGHT = 150;
const MARGIN = { left: 42, right: 8, top: 8, bottom: 22 };
const SYMBOLS: Readonly<Record<Lane, string>> = {
  baseline: symbol(symbolCircle, 24)() ?? "",
  intervention: symbol(symbolDiamond, 30)() ?? "",
};

/** A token's value over the blocks in both lanes, on a fixed log axis. */
export function LayerChart(props: {
  readonly token: number;
  readonly block: number;
  readonly tensor: Tensor;
  readonly domain: Domain;
}) {
  const { token, block, tensor, domain } = props;
  const lanes = useLabState((state) => state.lanes);
  const [ref, width] = useWidth<HTMLDivElement>();
  const blocks = lanes.baseline.rows.length;
  const x = scaleLinear()
    .domain([0, Math.max(1, blocks - 1)])
    .range([MARGIN.left, Math.max(MARGIN.left + 1, width - MARGIN.right)]);
  const y = scaleLog()
    .domain([domain.low, domain.high])
    .range([HEIGHT - MARGIN.bottom, MARGIN.top])
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
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={`${tensor.label} over the blocks, token ${token}`}
      >
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
              <text key={tick} x={x(tick)} y={HEIGHT - 6} textAnchor="middle">
                {tick}
              </text>
            ))}
        </g>
        <line
          className="cursor-rule"
          x1={x(block)}
          x2={x(block)}
          y1={MARGIN.top}
          y2={HEIGHT - MARGIN.bottom}
        />
        {LANES.map((lane) => {
          const points = layerCurve(tracesOf(lanes[lane]), token, tensor);
          return (
            <g key={lane} className={`curve curve-${lane}`}>
              <path d={path(points) ?? ""} />
              {points.map(({ block: at, value }) =>
                value !== null && Number.isFinite(value) ? (
                  <path
                    key={at}
                    className="point"
                    d={SYMBOLS[lane]}
                    transform={`translate(${x(at)},${yOf(value)})`}
                  />
                ) : null,
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
