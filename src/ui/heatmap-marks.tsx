import { memo } from "react";
import { outlierRows } from "../figures/outliers.ts";
import type { Column, TokenLayout } from "../figures/token-layout.ts";
import type { LaneRow } from "../store/state.ts";
import { useLabState } from "./lab-context.tsx";
import { useLitPlace, useShownPlace } from "./use-figure.ts";

interface MarksProps {
  readonly rows: readonly (LaneRow | null)[];
  readonly layout: TokenLayout;
  readonly rowHeight: number;
}

/** What does not change while a run streams. */
interface FrameProps {
  readonly blocks: number;
  readonly layout: TokenLayout;
  readonly rowHeight: number;
}

/** Rings around outlier tokens. */
export const HeatmapRings = memo(function HeatmapRings({ rows, layout, rowHeight }: MarksProps) {
  const criterion = useLabState((state) => state.view.criterion);
  const centres = new Map(layout.columns.map((column) => [column.token, column.x + column.width / 2]));
  const radius = Math.min(rowHeight / 2 - 1.5, 7);
  return (
    <g className="rings">
      {rows.flatMap((row, block) =>
        row?.fresh
          ? outlierRows(row.trace, criterion).map((index) => {
              const token = row.trace.positions[index]!;
              const place = { cx: centres.get(token), cy: (block + 0.5) * rowHeight - 0.5, r: radius };
              return (
                <g key={`${row.trace.block}-${token}`}>
                  <circle {...place} className="ring-halo" />
                  <circle {...place} className="ring" />
                </g>
              );
            })
          : [],
      )}
    </g>
  );
});

/** Outline of a cell, half a pixel outside it. */
function cellBox(column: Column, block: number, rowHeight: number) {
  return { x: column.x - 0.5, y: block * rowHeight - 0.5, width: column.width + 1, height: rowHeight };
}

/** The pinned row, and the row and column under the pointer or the keyboard cursor. */
export const HeatmapCursor = memo(function HeatmapCursor({ blocks, layout, rowHeight }: FrameProps) {
  const shown = useShownPlace();
  const lit = useLitPlace();
  const column = lit && layout.columns.find(({ token }) => token === lit.token);
  const height = blocks * rowHeight;
  return (
    <g className="cursor">
      {shown && (
        <rect
          className="cursor-pinned"
          x={-2}
          y={shown.block * rowHeight - 1}
          width={layout.width + 4}
          height={rowHeight}
          rx={2}
        />
      )}
      {column && <rect className="cursor-line" x={column.x} y={0} width={column.width} height={height} />}
      {lit && (
        <rect
          className="cursor-line"
          x={0}
          y={lit.block * rowHeight}
          width={layout.width}
          height={rowHeight - 1}
        />
      )}
      {lit && column && (
        <>
          <rect className="cursor-halo" {...cellBox(column, lit.block, rowHeight)} />
          <rect className="cursor-cell" {...cellBox(column, lit.block, rowHeight)} />
        </>
      )}
    </g>
  );
});

/** Left of the patches there is no room for a longer label, where no CLS stands there. */
const NARROW = 36;

/** Block numbers, band names and the patch index. */
export const HeatmapAxes = memo(function HeatmapAxes(props: FrameProps & { readonly grid: number }) {
  const { blocks, layout, rowHeight, grid } = props;
  const patches = layout.bands[layout.bands.length - 1]!;
  const step = patches.width / grid;
  // Labels of patch rows are thinned out until they stand 34 px apart.
  const every = Math.max(1, Math.ceil(34 / Math.max(step, 1)));
  const bottom = blocks * rowHeight;
  return (
    <g className="axis">
      {Array.from({ length: blocks }, (_, block) => block).map((block) => (
        <text key={block} x={-8} y={(block + 0.5) * rowHeight} dy="0.35em" textAnchor="end">
          {block}
        </text>
      ))}
      {layout.bands.map((band) => (
        <text key={band.label} x={band.x + band.width / 2} y={-8} textAnchor="middle">
          {band.label}
        </text>
      ))}
      {Array.from({ length: grid }, (_, row) => row)
        .filter((row) => row % every === 0)
        .map((row) => (
          <g key={row} transform={`translate(${patches.x + row * step},${bottom})`}>
            <line y2={4} />
            <text x={1} y={15}>
              {row}
            </text>
          </g>
        ))}
      <text x={patches.x - 8} y={bottom + 15} textAnchor="end">
        {patches.x < NARROW ? "row" : "patch row"}
      </text>
    </g>
  );
});
