import type { Cell } from "./heatmap-row.ts";
import type { Palette } from "./palette.ts";

/** Rectangle in CSS pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Painter = CanvasRenderingContext2D;

/**
 * Paints one cell: its colour, or the mark of what it is instead of a number. Clamped cells keep the end's colour
 * and get a notch at the top (above the domain) or the bottom (below it); refilled ones are hatched over their colour.
 * @param opacity of the colour, 0..1; marks are always opaque
 */
export function paintCell(
  painter: Painter,
  { mark, colour }: Pick<Cell, "mark" | "colour">,
  rect: Rect,
  palette: Palette,
  opacity = 1,
): void {
  const { x, y, width, height } = rect;
  const alpha = painter.globalAlpha;
  if (mark === "value" || mark === "above" || mark === "below" || mark === "refilled") {
    painter.globalAlpha = alpha * opacity;
    painter.fillStyle = palette.table[colour]!;
    painter.fillRect(x, y, width, height);
    painter.globalAlpha = alpha;
    if (mark === "value") return;
    if (mark === "refilled") {
      // Sparse, and in the colour of an empty cell: denser or brighter strokes would tint what they mark.
      painter.strokeStyle = palette.empty;
      painter.lineWidth = 1;
      hatch(painter, rect, 8);
      return;
    }
    painter.fillStyle = palette.notch;
    painter.fillRect(x, mark === "above" ? y : y + height - 2, width, 2);
    return;
  }
  if (mark === "absent") return;
  if (mark === "prefix") {
    painter.fillStyle = palette.prefix;
    painter.fillRect(x + 1, y + height * 0.2, width - 2, height * 0.6);
    return;
  }
  painter.fillStyle = palette.empty;
  painter.fillRect(x, y, width, height);
  painter.strokeStyle = palette.mark;
  painter.fillStyle = palette.mark;
  painter.lineWidth = 1;
  if (mark === "deleted") hatch(painter, rect);
  else if (mark === "zero") dot(painter, rect);
  else cross(painter, rect);
}

/** Paints a row of the heat map; `opacity` < 1 fades it. */
export function paintRow(
  painter: Painter,
  cells: readonly Cell[],
  y: number,
  height: number,
  palette: Palette,
  opacity: number,
): void {
  const last = cells[cells.length - 1];
  if (!last) return;
  painter.clearRect(0, y, last.x + last.width + 1, height);
  painter.globalAlpha = opacity;
  for (const cell of cells) {
    paintCell(painter, cell, { x: cell.x, y, width: cell.width, height: height - 1 }, palette);
  }
  painter.globalAlpha = 1;
}

/** Diagonals that continue from cell to cell, because they are placed by x + y of the whole figure. */
function hatch(painter: Painter, { x, y, width, height }: Rect, spacing = 4): void {
  painter.save();
  painter.beginPath();
  painter.rect(x, y, width, height);
  painter.clip();
  painter.beginPath();
  const first = Math.ceil((x + y) / spacing) * spacing;
  for (let sum = first; sum < x + y + width + height; sum += spacing) {
    painter.moveTo(sum - y, y);
    painter.lineTo(sum - y - height, y + height);
  }
  painter.stroke();
  painter.restore();
}

function dot(painter: Painter, { x, y, width, height }: Rect): void {
  painter.beginPath();
  painter.arc(x + width / 2, y + height / 2, Math.min(1.5, width / 3), 0, 2 * Math.PI);
  painter.fill();
}

function cross(painter: Painter, { x, y, width, height }: Rect): void {
  const size = Math.min(width, height) / 3;
  const [cx, cy] = [x + width / 2, y + height / 2];
  painter.beginPath();
  painter.moveTo(cx - size, cy - size);
  painter.lineTo(cx + size, cy + size);
  painter.moveTo(cx - size, cy + size);
  painter.lineTo(cx + size, cy - size);
  painter.stroke();
}
