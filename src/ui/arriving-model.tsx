import { useMemo } from "react";
import { formatMagnitude } from "../figures/format.ts";
import { chooseDomain } from "../figures/log-scale.ts";
import { layoutTokens } from "../figures/token-layout.ts";
import type { Opening } from "../store/state.ts";
import { HeatmapCanvas } from "./heatmap-canvas.tsx";
import { HeatmapAxes } from "./heatmap-marks.tsx";
import { useLabState } from "./lab-context.tsx";
import { useScale } from "./use-figure.ts";
import { useWidth } from "./use-width.ts";

const LEFT = 30;
const HEAD = 24;
const FOOT = 20;
const ROW = 12;

/** The blocks of a model that is being opened, run on the image as their weights arrive. */
export function ArrivingModel() {
  const arriving = useLabState((state) => state.opening?.arriving);
  return arriving ? <Arriving {...arriving} /> : null;
}

function Arriving({ spec, rows }: NonNullable<Opening["arriving"]>) {
  const { tensor } = useScale();
  const hasModel = useLabState((state) => state.model !== null);
  const [ref, width] = useWidth<HTMLDivElement>();
  const layout = useMemo(() => layoutTokens(spec, Math.max(width - LEFT, 120)), [spec, width]);
  const traces = rows.flatMap((row) => (row ? [row.trace] : []));
  // The scale of the model in use says nothing about this one.
  const domain = chooseDomain(traces.map(tensor.read)) ?? tensor.domain;
  const height = HEAD + rows.length * ROW + FOOT;
  return (
    <section className="panel" aria-labelledby="arriving-heading" data-testid="arriving">
      <h2 id="arriving-heading">
        {spec.label}{" "}
        <small data-testid="arriving-blocks">
          {traces.length} of {rows.length} blocks computed while the weights arrive
        </small>
      </h2>
      <div className="heatmap-plot" ref={ref}>
        <div
          className="heatmap-target"
          role="img"
          aria-label={`${spec.label}: ${tensor.label} of the first ${traces.length} blocks`}
          style={{ height }}
        >
          <div className="heatmap-cells" style={{ left: LEFT, top: HEAD }}>
            {width > 0 && (
              <HeatmapCanvas rows={rows} layout={layout} rowHeight={ROW} tensor={tensor} domain={domain} />
            )}
          </div>
          <svg width={width} height={height} aria-hidden="true">
            <g transform={`translate(${LEFT},${HEAD})`}>
              <HeatmapAxes blocks={rows.length} layout={layout} rowHeight={ROW} grid={spec.grid} />
            </g>
          </svg>
        </div>
      </div>
      <p className="hint">
        {tensor.label}, unmodified encoder; colours from {formatMagnitude(domain.low)} to{" "}
        {formatMagnitude(domain.high)}. The weights are checked when all are here
        {hasModel && "; until then the figures below are of the model before"}.
      </p>
    </section>
  );
}
