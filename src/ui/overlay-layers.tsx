import { useLayoutEffect, useRef } from "react";
import { outlierRows } from "../figures/outliers.ts";
import { paintCell } from "../figures/paint.ts";
import { paletteOf } from "../figures/palette.ts";
import { patchCells } from "../figures/patch-cells.ts";
import { patchPosition } from "../figures/token-layout.ts";
import type { Lane } from "../worker/api.ts";
import { prepareCanvas } from "./canvas.ts";
import { useLabState } from "./lab-context.tsx";
import { useTheme } from "./theme.tsx";
import { useLitBlock, useLitPlace, useScale } from "./use-figure.ts";
import { useWidth } from "./use-width.ts";

/** The patches in their colours. */
export function OverlayCells({ lane }: { readonly lane: Lane }) {
  const { theme } = useTheme();
  const { tensor, domain } = useScale();
  const spec = useLabState((state) => state.model?.spec);
  const { overlay: opacity, refill } = useLabState((state) => state.view);
  const block = useLitBlock();
  const row = useLabState((state) => (block === null ? null : (state.lanes[lane].rows[block] ?? null)));
  const [holderRef, width] = useWidth<HTMLDivElement>();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const painter = canvasRef.current && prepareCanvas(canvasRef.current, width, width);
    if (!painter || !row || !spec) return;
    painter.globalAlpha = row.fresh ? 1 : 0.45;
    const side = width / spec.grid;
    for (const cell of patchCells(spec, row.trace, tensor, domain, refill)) {
      // Whole pixels, so that translucent neighbours neither overlap nor leave seams.
      const [x, y] = [Math.round(cell.column * side), Math.round(cell.row * side)];
      const rect = {
        x,
        y,
        width: Math.round((cell.column + 1) * side) - x,
        height: Math.round((cell.row + 1) * side) - y,
      };
      paintCell(painter, cell, rect, paletteOf(theme), opacity);
    }
  }, [row, spec, tensor, domain, theme, opacity, refill, width]);
  return (
    <div className="overlay-cells" ref={holderRef}>
      <canvas ref={canvasRef} style={{ width, height: width }} />
    </div>
  );
}

/** Rings around outliers, and the lit patch. */
export function OverlayMarks({ lane }: { readonly lane: Lane }) {
  const spec = useLabState((state) => state.model?.spec);
  const criterion = useLabState((state) => state.view.criterion);
  const lit = useLitPlace();
  const row = useLabState((state) => (lit ? (state.lanes[lane].rows[lit.block] ?? null) : null));
  if (!spec || !lit) return null;
  const at = patchPosition(spec, lit.token);
  const outliers = row?.fresh
    ? outlierRows(row.trace, criterion).flatMap((index) => {
        const position = patchPosition(spec, row.trace.positions[index]!);
        return position ? [position] : [];
      })
    : [];
  return (
    <svg className="overlay-marks" viewBox={`0 0 ${spec.grid} ${spec.grid}`} aria-hidden="true">
      {outliers.map(({ row: y, column: x }) => (
        <g key={`${x}-${y}`}>
          <circle cx={x + 0.5} cy={y + 0.5} r={0.38} className="ring-halo" />
          <circle cx={x + 0.5} cy={y + 0.5} r={0.38} className="ring" />
        </g>
      ))}
      {at && (
        <>
          <rect x={at.column} y={at.row} width={1} height={1} className="cursor-halo" />
          <rect x={at.column} y={at.row} width={1} height={1} className="cursor-cell" />
        </>
      )}
    </svg>
  );
}
