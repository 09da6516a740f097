import { useLayoutEffect, useRef } from "react";
import { formatTick } from "../figures/format.ts";
import { logPosition, logTicks } from "../figures/log-scale.ts";
import { paintCell } from "../figures/paint.ts";
import { paletteOf } from "../figures/palette.ts";
import { OUTLIER_CRITERIA } from "../measure/outlier-criteria.ts";
import { prepareCanvas } from "./canvas.ts";
import { useLabState } from "./lab-context.tsx";
import { useTheme } from "./theme.tsx";
import { useScale } from "./use-figure.ts";

const WIDTH = 260;
const ARROW = 12;

const MARKS = [
  { mark: "deleted", label: "deleted" },
  { mark: "zero", label: "zero" },
  { mark: "not-finite", label: "not finite" },
  { mark: "prefix", label: "prefix slot (K, V only)" },
] as const;

/** The shared colour scale and every mark of the figures. */
export function Legend() {
  const { theme } = useTheme();
  const { tensor, domain, isPinned } = useScale();
  const { criterion, refill } = useLabState((state) => state.view);
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const painter = ref.current && prepareCanvas(ref.current, WIDTH, 12);
    if (!painter) return;
    const { table } = paletteOf(theme);
    for (const [i, colour] of table.entries()) {
      painter.fillStyle = colour;
      painter.fillRect((i * WIDTH) / table.length, 0, WIDTH / table.length + 0.5, 12);
    }
  }, [theme]);
  const { table } = paletteOf(theme);
  const x = logPosition(domain, WIDTH);
  return (
    <div className="legend">
      <div className="legend-scale">
        <span className="legend-title">
          {tensor.short}, log scale, {isPinned ? "fixed for this model" : "until the first run ends"}
        </span>
        <div className="legend-bar" style={{ width: WIDTH + 2 * ARROW }}>
          <canvas ref={ref} style={{ left: ARROW, width: WIDTH, height: 12 }} />
          <svg
            width={WIDTH + 2 * ARROW}
            height={30}
            role="img"
            aria-label={`Colour scale from ${domain.low} to ${domain.high}; values beyond its ends are clamped`}
          >
            <path d={`M${ARROW - 1},0 L0,6 L${ARROW - 1},12 Z`} fill={table[0]} className="legend-arrow" />
            <path
              d={`M${WIDTH + ARROW + 1},0 L${WIDTH + 2 * ARROW},6 L${WIDTH + ARROW + 1},12 Z`}
              fill={table[table.length - 1]}
              className="legend-arrow"
            />
            {logTicks(domain).map((tick) => (
              <g key={tick} transform={`translate(${ARROW + x(tick)},12)`} className="axis">
                <line y2={4} />
                <text y={15} textAnchor="middle">
                  {formatTick(tick)}
                </text>
              </g>
            ))}
          </svg>
        </div>
      </div>
      <ul className="legend-marks">
        <li>
          <svg width="16" height="16" aria-hidden="true">
            <circle cx="8" cy="8" r="5.5" className="ring-halo" />
            <circle cx="8" cy="8" r="5.5" className="ring" />
          </svg>
          outlier: {OUTLIER_CRITERIA.find(({ id }) => id === criterion)?.label}, residual after the block
        </li>
        {MARKS.map(({ mark, label }) => (
          <li key={mark}>
            <MarkSwatch mark={mark} /> {label}
          </li>
        ))}
        {refill && (
          <li>
            <MarkSwatch mark="refilled" /> deleted, coloured by the mean of its neighbours
          </li>
        )}
        <li>
          <MarkSwatch mark="above" /> <MarkSwatch mark="below" /> beyond the scale
        </li>
      </ul>
    </div>
  );
}

function MarkSwatch({ mark }: { readonly mark: Parameters<typeof paintCell>[1]["mark"] }) {
  const { theme } = useTheme();
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const painter = ref.current && prepareCanvas(ref.current, 14, 14);
    if (!painter) return;
    const colour = mark === "above" ? 255 : mark === "refilled" ? 128 : 0;
    paintCell(painter, { mark, colour }, { x: 0, y: 0, width: 14, height: 14 }, paletteOf(theme));
  }, [mark, theme]);
  return (
    <span className="swatch" aria-hidden="true">
      <canvas ref={ref} style={{ width: 14, height: 14 }} />
    </span>
  );
}
