import { useId } from "react";
import type { Palette } from "../figures/palette.ts";
import type { GridCell, GridGroup, GridPlace, SearchGridFigure } from "../figures/search-grid.ts";
import { settingKey } from "../regcache/setting-grid.ts";

export const CELL_HEIGHT = 14;
export const MARGIN = { left: 88, top: 42 };
/** Base lines of the three rows of heads: rule, tokens, block. */
const HEADS = [10, 23, 37] as const;
/** Of one letter of a head, about. */
const LETTER = 6;

/** Where the places of a grid lie. */
export interface GridFrame {
  readonly figure: SearchGridFigure;
  readonly cellWidth: number;
}

const xOf = (column: number, cellWidth: number) => MARGIN.left + column * cellWidth;
const yOf = (row: number) => MARGIN.top + row * CELL_HEIGHT;

/** Heads of the columns, in three rows, and labels of the rows. */
export function GridAxes({ figure, cellWidth }: GridFrame) {
  const { rows, columns, groups, strengths } = figure;
  const bottom = yOf(rows.length);
  const hasCutoffs = strengths.some(({ label }) => !/^\d+$/.test(label));
  const names = ["deleted by", hasCutoffs ? "tokens, cutoff" : "tokens", "at block"];
  const head = (group: GridGroup, y: number) => (
    <text key={group.start} x={xOf(group.start, cellWidth) + 2} y={y}>
      {shortened(group, cellWidth)}
      <title>{group.label}</title>
    </text>
  );
  return (
    <g className="axis">
      {names.map((name, i) => (
        <text key={name} x={MARGIN.left - 6} y={HEADS[i]} textAnchor="end">
          {name}
        </text>
      ))}
      {groups.map((group) => head(group, HEADS[0]))}
      {strengths.map((group) => head(group, HEADS[1]))}
      {columns.map(({ key, label, block }, column) => (
        <text key={key} x={xOf(column + 0.5, cellWidth)} y={HEADS[2]} textAnchor="middle">
          {block ?? "–"}
          <title>{label}</title>
        </text>
      ))}
      {strengths.slice(1).map(({ start }) => {
        const isRule = groups.some((group) => group.start === start);
        const x = xOf(start, cellWidth) - 0.25;
        return (
          <line
            key={start}
            className={isRule ? undefined : "grid-line"}
            x1={x}
            x2={x}
            y1={isRule ? 0 : HEADS[0] + 3}
            y2={bottom}
          />
        );
      })}
      {rows.map(({ key, label }, row) => (
        <text key={key} x={MARGIN.left - 6} y={yOf(row + 0.5)} dy="0.32em" textAnchor="end">
          {label}
        </text>
      ))}
    </g>
  );
}

/** Hatching of what was not evaluated, for a `fill`. */
export function Hatching({ id, palette }: { readonly id: string; readonly palette: Palette }) {
  return (
    <pattern id={id} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect width="5" height="5" fill={palette.empty} />
      <line x1="0" x2="0" y2="5" stroke={palette.mark} strokeOpacity="0.55" />
    </pattern>
  );
}

/** What was evaluated, on hatching; the best of it has a ring. @param props.table colours, the least error first */
export function GridCells(
  props: GridFrame & { readonly table: readonly string[]; readonly palette: Palette },
) {
  const { figure, cellWidth, table, palette } = props;
  const { rows, columns, cells } = figure;
  const hatching = useId();
  const best = cells.find(({ isBest }) => isBest);
  return (
    <>
      <Hatching id={hatching} palette={palette} />
      <rect
        x={MARGIN.left}
        y={MARGIN.top}
        width={cellWidth * columns.length}
        height={rows.length * CELL_HEIGHT}
        fill={`url(#${hatching})`}
      />
      {cells.map((cell) => {
        const height = Math.max(0.25, cell.seen) * CELL_HEIGHT;
        return (
          <rect
            key={settingKey(cell.result.setting)}
            x={xOf(cell.column, cellWidth)}
            y={yOf(cell.row + 1) - height}
            width={Math.max(1, cellWidth - 0.5)}
            height={height - 0.5}
            fill={table[cell.colour]}
          >
            <title>{titleOf(cell)}</title>
          </rect>
        );
      })}
      {best && <PlaceFrame at={best} cellWidth={cellWidth} halo="ring-halo" line="ring" />}
    </>
  );
}

/** A frame around one place. */
export function PlaceFrame(props: {
  readonly at: GridPlace;
  readonly cellWidth: number;
  /** Classes of both lines. */
  readonly halo: string;
  readonly line: string;
}) {
  const { at, cellWidth, halo, line } = props;
  const box = { x: xOf(at.column, cellWidth) - 1, y: yOf(at.row) - 1, height: CELL_HEIGHT + 1.5, rx: 2 };
  return (
    <g pointerEvents="none">
      <rect className={halo} {...box} width={cellWidth + 1.5} />
      <rect className={line} {...box} width={cellWidth + 1.5} />
    </g>
  );
}

/** What was found at a place, for people. */
export function titleOf({ result: { setting, mse, n }, settings }: GridCell): string {
  const of = settings > 1 ? `, the best of ${settings} evaluated here` : "";
  return `${settingKey(setting)}: MSE ${mse.toExponential(3)} on ${n === 1 ? "1 image" : `${n} images`}${of}`;
}

/** A head, as much of it as its columns hold. */
function shortened({ label, start, end }: GridGroup, cellWidth: number): string {
  const letters = Math.floor(((end - start) * cellWidth) / LETTER);
  return label.length <= letters ? label : `${label.slice(0, Math.max(1, letters - 1))}…`;
}
