import { type KeyboardEvent, type PointerEvent, useId, useMemo, useRef, useState } from "react";
import { type Palette, paletteOf } from "../figures/palette.ts";
import {
  type GridPlace,
  gridTable,
  movedOnGrid,
  type SearchGridFigure,
  searchGridFigure,
} from "../figures/search-grid.ts";
import type { SearchReport } from "../regcache/search.ts";
import {
  CELL_HEIGHT,
  GridAxes,
  GridCells,
  Hatching,
  MARGIN,
  PlaceFrame,
  titleOf,
} from "./search-grid-marks.tsx";
import { useTheme } from "./theme.tsx";
import { useWidth } from "./use-width.ts";

/** Holds a block's number; where the columns need more than there is, the grid scrolls sideways. */
const LEAST_CELL_WIDTH = 15;
/** Room for the best place's ring. */
const RIGHT = 3;

/** Rows are prefixes, columns deletions; colour is the feature error, height how many images were seen. */
export function SearchGrid({ report }: { readonly report: SearchReport }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const scroller = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<GridPlace | null>(null);
  const { theme } = useTheme();
  const [palette, table] = [paletteOf(theme), gridTable(theme)];
  const readoutId = useId();
  const figure = useMemo(() => searchGridFigure(report), [report]);
  const { rows, columns, cells, hidden } = figure;
  // The next search may have a smaller grid.
  const at = pointed && pointed.row < rows.length && pointed.column < columns.length ? pointed : null;
  const room = (width - MARGIN.left - RIGHT) / Math.max(1, columns.length);
  const frame = { figure, cellWidth: Math.max(LEAST_CELL_WIDTH, room) };
  const best = hidden.length > 0 ? `Each place: the best so far over ${hidden.join(" and ")}. ` : "";

  function placeAt(event: PointerEvent<SVGElement>): GridPlace | null {
    const box = event.currentTarget.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - MARGIN.left) / frame.cellWidth);
    const row = Math.floor((event.clientY - box.top - MARGIN.top) / CELL_HEIGHT);
    const isWithin = row >= 0 && row < rows.length && column >= 0 && column < columns.length;
    return isWithin ? { row, column } : null;
  }

  function onPointer(event: PointerEvent<SVGElement>) {
    // Arrow keys may scroll the grid below a resting pointer, which must not take over.
    if (event.type === "pointermove" && event.movementX === 0 && event.movementY === 0) return;
    const place = placeAt(event);
    // Most moves stay within a place: they are no news.
    if (place && !isAt(at, place)) setPointed(place);
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const from = at ?? cells.find(({ isBest }) => isBest) ?? { row: 0, column: 0 };
    const to = movedOnGrid(event.key, from, rows.length, columns.length);
    if (!to) return;
    event.preventDefault();
    setPointed(to);
    show(scroller.current, MARGIN.left + to.column * frame.cellWidth, frame.cellWidth + RIGHT);
  }

  return (
    <div ref={ref} className="chart search-grid">
      <div
        ref={scroller}
        className="table-scroll"
        role="application"
        aria-roledescription="grid of a search"
        aria-label={`Grid of ${rows.length} prefixes by ${columns.length} deletions; ${report.cells.length} settings evaluated. ${best}Arrow keys read a place.`}
        aria-describedby={readoutId}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is operated by arrow keys
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <svg
          width={MARGIN.left + columns.length * frame.cellWidth + RIGHT}
          height={MARGIN.top + rows.length * CELL_HEIGHT + 2}
          aria-hidden="true"
          data-testid="search-grid"
          onPointerMove={onPointer}
          onPointerDown={onPointer}
          onPointerLeave={({ pointerType }) => pointerType === "mouse" && setPointed(null)}
        >
          <GridAxes {...frame} />
          <GridCells {...frame} table={table} palette={palette} />
          {at && <PlaceFrame at={at} cellWidth={frame.cellWidth} halo="cursor-halo" line="cursor-cell" />}
        </svg>
      </div>
      {/* A running search changes its best all the time: only what is pointed at is read out. */}
      <p
        className="hint grid-readout"
        id={readoutId}
        aria-live={at ? "polite" : "off"}
        data-testid="search-grid-readout"
      >
        {readout(figure, at)}
      </p>
      <GridKey figure={figure} table={table} palette={palette} />
      <p className="hint" data-testid="search-grid-hint">
        Rows: prefixes. Columns: deletions rule by rule, more tokens to the right. {best}Height: images seen.
        Point at a place, or move with the arrow keys, to read it.
      </p>
    </div>
  );
}

/** The scale and the marks of a grid. */
function GridKey(props: {
  readonly figure: SearchGridFigure;
  readonly table: readonly string[];
  readonly palette: Palette;
}) {
  const { figure, table, palette } = props;
  const [low, high] = figure.domain.map((mse) => mse.toExponential(1));
  const hatching = useId();
  const stops = [0, 51, 102, 153, 204, 255].map((i) => table[i]);
  return (
    <p className="grid-key">
      <span>
        feature MSE, log: {low}{" "}
        <span
          className="grid-scale"
          style={{ background: `linear-gradient(to right, ${stops.join(", ")})` }}
          aria-hidden="true"
        />{" "}
        {high}
      </span>
      <span>
        <svg width="16" height="14" aria-hidden="true">
          <Hatching id={hatching} palette={palette} />
          <rect width="16" height="14" fill={`url(#${hatching})`} />
        </svg>{" "}
        not evaluated
      </span>
      <span>
        <svg width="18" height="16" aria-hidden="true">
          <rect x="2" y="2" width="14" height="12" fill={table[0]} />
          <rect className="ring-halo" x="2" y="2" width="14" height="12" rx="2" />
          <rect className="ring" x="2" y="2" width="14" height="12" rx="2" />
        </svg>{" "}
        best so far
      </span>
    </p>
  );
}

const isAt = (a: GridPlace | null, b: GridPlace) => a?.row === b.row && a.column === b.column;

/** What stands at a place; of the best one where none is pointed at. */
function readout({ rows, columns, cells }: SearchGridFigure, at: GridPlace | null): string {
  const cell = cells.find((each) => (at ? isAt(at, each) : each.isBest));
  if (cell) return `${at && !cell.isBest ? "" : "Best so far: "}${titleOf(cell)}.`;
  if (!at) return "Nothing evaluated yet.";
  return `${rows[at.row]?.label ?? ""}, ${columns[at.column]?.label ?? ""}: not evaluated.`;
}

/** Scrolls sideways, no farther than needed, to a place that lies at x. */
function show(box: HTMLElement | null, x: number, width: number): void {
  if (!box) return;
  if (x < box.scrollLeft) box.scrollLeft = x - MARGIN.left;
  else if (x + width > box.scrollLeft + box.clientWidth) box.scrollLeft = x + width - box.clientWidth;
}
