import { type KeyboardEvent, type PointerEvent, useMemo, useRef } from "react";
import { columnAt, layoutTokens } from "../figures/token-layout.ts";
import type { Place } from "../store/state.ts";
import type { Lane } from "../worker/api.ts";
import { HeatmapCanvas } from "./heatmap-canvas.tsx";
import { HeatmapAxes, HeatmapCursor, HeatmapRings } from "./heatmap-marks.tsx";
import { HeatmapStats } from "./heatmap-stats.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { LANE_NAMES } from "./lane-names.ts";
import { SaveNumbers } from "./save-numbers.tsx";
import { useScale, useShownPlace } from "./use-figure.ts";
import { useWidth } from "./use-width.ts";

const LEFT = 30;
/** Room for the rings of the last column. */
const RIGHT = 10;
const HEAD = 24;
const FOOT = 20;

/** Layer x token heat map of one lane: rows are blocks, columns are tokens. */
export function Heatmap({ lane }: { readonly lane: Lane }) {
  const lab = useLab();
  const spec = useLabState((state) => state.model?.spec);
  const laneState = useLabState((state) => state.lanes[lane]);
  const shown = useShownPlace();
  const { tensor, domain } = useScale();
  const [ref, width] = useWidth<HTMLDivElement>();
  // Arrow keys change what stands above the figure; where that shifts it below a resting pointer, the pointer must not take over.
  const isKeyed = useRef(false);
  const layout = useMemo(
    () => (spec ? layoutTokens(spec, Math.max(width - LEFT - RIGHT, 120)) : null),
    [spec, width],
  );
  if (!spec || !layout) return null;
  const { rows, state } = laneState;
  const rowHeight = Math.min(26, Math.max(15, Math.floor(240 / spec.blocks)));
  const frame = { blocks: rows.length, layout, rowHeight };
  const { columns } = layout;

  function placeAt(event: PointerEvent<HTMLElement>): Place | null {
    const box = event.currentTarget.getBoundingClientRect();
    const column = columnAt(layout!, event.clientX - box.left - LEFT);
    const block = Math.floor((event.clientY - box.top - HEAD) / rowHeight);
    return column && block >= 0 && block < rows.length ? { block, token: column.token } : null;
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const from = lab.store.getState().hover ?? shown ?? { block: 0, token: columns[0]!.token };
    const index = columns.findIndex(({ token }) => token === from.token);
    const moves: Record<string, readonly [block: number, column: number]> = {
      ArrowLeft: [from.block, index - 1],
      ArrowRight: [from.block, index + 1],
      ArrowUp: [from.block - 1, index],
      ArrowDown: [from.block + 1, index],
      Home: [from.block, 0],
      End: [from.block, columns.length - 1],
    };
    const move = moves[event.key];
    isKeyed.current = true;
    if (move) {
      const block = Math.min(rows.length - 1, Math.max(0, move[0]));
      const column = columns[Math.min(columns.length - 1, Math.max(0, move[1]))]!;
      lab.hover({ block, token: column.token });
    } else if (event.key === "Enter" || event.key === " ") lab.select(from);
    else if (event.key === "Escape") lab.select(null);
    else return;
    event.preventDefault();
  }

  return (
    <figure className="heatmap" data-testid={`heatmap-${lane}`} data-state={state}>
      <figcaption>
        <span className={`lane-mark lane-${lane}`} aria-hidden="true" />
        {LANE_NAMES[lane]}
        <span className="muted">
          {state === "running" ? "computing" : state === "failed" ? "failed" : ""}
        </span>
        <SaveNumbers lane={lane} />
      </figcaption>
      <div className="heatmap-body">
        <div className="heatmap-plot" ref={ref}>
          <div
            className="heatmap-target"
            role="application"
            aria-roledescription="heat map"
            aria-label={`${LANE_NAMES[lane]}: ${tensor.label}, ${spec.blocks} blocks by ${spec.tokens} tokens`}
            aria-describedby="heatmap-keys readout"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: it is operated by arrow keys
            tabIndex={0}
            style={{ height: HEAD + rows.length * rowHeight + FOOT }}
            onKeyDown={onKeyDown}
            onPointerMove={(event) => {
              if (isKeyed.current && event.movementX === 0 && event.movementY === 0) return;
              isKeyed.current = false;
              lab.hover(placeAt(event));
            }}
            onPointerLeave={() => !isKeyed.current && lab.hover(null)}
            onBlur={() => {
              isKeyed.current = false;
              lab.hover(null);
            }}
            onClick={(event) => {
              const place = placeAt(event as unknown as PointerEvent<HTMLElement>);
              if (place) lab.select(place);
            }}
          >
            <div className="heatmap-cells" style={{ left: LEFT, top: HEAD }}>
              {width > 0 && (
                <HeatmapCanvas
                  rows={rows}
                  layout={layout}
                  rowHeight={rowHeight}
                  tensor={tensor}
                  domain={domain}
                />
              )}
            </div>
            <svg width={width} height={HEAD + rows.length * rowHeight + FOOT} aria-hidden="true">
              <g transform={`translate(${LEFT},${HEAD})`}>
                <HeatmapAxes {...frame} grid={spec.grid} />
                <HeatmapCursor {...frame} />
                <HeatmapRings rows={rows} layout={layout} rowHeight={rowHeight} />
              </g>
            </svg>
          </div>
        </div>
        <HeatmapStats lane={lane} rows={rows} tensor={tensor} headHeight={HEAD} rowHeight={rowHeight} />
      </div>
    </figure>
  );
}
