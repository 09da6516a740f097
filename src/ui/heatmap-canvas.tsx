import { memo, useLayoutEffect, useRef } from "react";
import { heatmapRow } from "../figures/heatmap-row.ts";
import type { Domain } from "../figures/log-scale.ts";
import { paintRow } from "../figures/paint.ts";
import { paletteOf } from "../figures/palette.ts";
import type { Tensor } from "../figures/tensors.ts";
import type { TokenLayout } from "../figures/token-layout.ts";
import type { LaneRow } from "../store/state.ts";
import { prepareCanvas } from "./canvas.ts";
import { useTheme } from "./theme.tsx";

/** Opacity of rows that belong to the previous run. */
const FADED = 0.35;

interface Painted {
  readonly key: object;
  readonly painter: CanvasRenderingContext2D;
  rows: (LaneRow | null)[];
}

/** The cells of the heat map. Only rows that changed are painted again, so a streaming run costs one row a block. */
export const HeatmapCanvas = memo(function HeatmapCanvas(props: {
  readonly rows: readonly (LaneRow | null)[];
  readonly layout: TokenLayout;
  readonly rowHeight: number;
  readonly tensor: Tensor;
  readonly domain: Domain;
}) {
  const { rows, layout, rowHeight, tensor, domain } = props;
  const { theme } = useTheme();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const paintedRef = useRef<Painted | null>(null);
  const inputs = [layout, rowHeight, theme, tensor, domain, rows.length];
  const inputsRef = useRef<{ values: readonly unknown[] }>({ values: [] });
  // A new object whenever anything but the rows themselves changes: then everything is painted anew.
  if (inputs.some((value, i) => value !== inputsRef.current.values[i]))
    inputsRef.current = { values: inputs };
  const key = inputsRef.current;

  useLayoutEffect(() => {
    const canvas = canvasRef.current;
    if (!canvas) return;
    let painted = paintedRef.current;
    if (painted?.key !== key) {
      const painter = prepareCanvas(canvas, layout.width, rows.length * rowHeight);
      if (!painter) return;
      painted = { key, painter, rows: [] };
      paintedRef.current = painted;
    }
    for (const [block, row] of rows.entries()) {
      if (!row || painted.rows[block] === row) continue;
      const cells = heatmapRow(row.trace, tensor, layout, domain, row.trace.prefixReceived > 0);
      const opacity = row.fresh ? 1 : FADED;
      paintRow(painted.painter, cells, block * rowHeight, rowHeight, paletteOf(theme), opacity);
    }
    painted.rows = [...rows];
  }, [key, rows, layout, rowHeight, tensor, domain, theme]);

  return (
    <canvas
      ref={canvasRef}
      className="heatmap-canvas"
      style={{ width: layout.width, height: rows.length * rowHeight }}
    />
  );
});
