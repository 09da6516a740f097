import { paletteOf } from "../figures/palette.ts";
import { type GridCell, type GridGroup, searchGridFigure } from "../figures/search-grid.ts";
import type { SearchReport } from "../regcache/search.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import { useTheme } from "./theme.tsx";
import { useWidth } from "./use-width.ts";

const CELL_HEIGHT = 12;
/** Below this a grid scrolls sideways. */
const LEAST_CELL_WIDTH = 4;
/** Of one letter of a rule's name, about. */
const LETTER = 6;
const MARGIN = { left: 86, top: 16 };

/** Rows are prefixes, columns deletions; colour is the feature error, height how many images were seen. */
export function SearchGrid({ report }: { readonly report: SearchReport }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { theme } = useTheme();
  const palette = paletteOf(theme);
  const { rows, columns, groups, cells, domain, hidden } = searchGridFigure(report);
  const cellWidth = Math.max(LEAST_CELL_WIDTH, (width - MARGIN.left) / Math.max(1, columns.length));
  const x = (column: number) => MARGIN.left + column * cellWidth;
  const height = MARGIN.top + rows.length * CELL_HEIGHT;
  const settings = `${report.cells.length} settings evaluated`;
  const best = hidden.length > 0 ? `Each place: the best so far over ${hidden.join(" and ")}. ` : "";
  return (
    <div ref={ref} className="chart">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide grid scrolls, also by keyboard */}
      <section className="table-scroll" aria-label="Grid of the search" tabIndex={0}>
        <svg
          width={Math.max(width, x(columns.length))}
          height={height}
          role="img"
          data-testid="search-grid"
          aria-label={`Grid of ${rows.length} prefixes by ${columns.length} deletions; ${settings}. ${best}`.trim()}
        >
          <g className="axis">
            {groups.map((group) => (
              <text key={group.start} x={x(group.start)} y={MARGIN.top - 5}>
                {shortened(group, cellWidth)}
                <title>{group.label}</title>
              </text>
            ))}
            {rows.map(({ key, label }, row) => (
              <text
                key={key}
                x={MARGIN.left - 6}
                y={MARGIN.top + (row + 0.5) * CELL_HEIGHT}
                dy="0.32em"
                textAnchor="end"
              >
                {label}
              </text>
            ))}
          </g>
          <rect
            x={MARGIN.left}
            y={MARGIN.top}
            width={cellWidth * columns.length}
            height={rows.length * CELL_HEIGHT}
            fill={palette.empty}
          />
          {cells.map((cell) => (
            <rect
              key={settingKey(cell.result.setting)}
              className={cell.isBest ? "grid-best" : undefined}
              x={x(cell.column)}
              y={MARGIN.top + cell.row * CELL_HEIGHT + (1 - Math.max(0.25, cell.seen)) * CELL_HEIGHT}
              width={Math.max(1, cellWidth - 0.5)}
              height={Math.max(0.25, cell.seen) * CELL_HEIGHT - 0.5}
              fill={palette.table[cell.colour]}
            >
              <title>{titleOf(cell)}</title>
            </rect>
          ))}
        </svg>
      </section>
      <p className="hint" data-testid="search-grid-hint">
        Rows: prefixes. Columns: deletions rule by rule, more tokens to the right. {best}Colour: feature MSE,
        log scale, {domain[0].toExponential(1)} to {domain[1].toExponential(1)}. Height: images seen. Ring:
        best so far.
      </p>
    </div>
  );
}

function titleOf({ result: { setting, mse, n }, settings }: GridCell): string {
  const of = settings > 1 ? `, the best of ${settings} evaluated here` : "";
  return `${settingKey(setting)}: MSE ${mse.toExponential(3)} on ${n} images${of}`;
}

/** A rule's name, as much of it as its columns hold. */
function shortened({ label, start, end }: GridGroup, cellWidth: number): string {
  const letters = Math.floor(((end - start) * cellWidth) / LETTER);
  return label.length <= letters ? label : `${label.slice(0, Math.max(1, letters - 1))}…`;
}
