import { Button } from "react-aria-components";
import { formatCount, formatPercent } from "../figures/format.ts";
import { paletteOf } from "../figures/palette.ts";
import { searchGridFigure } from "../figures/search-grid.ts";
import type { SearchReport } from "../regcache/search.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { useLab } from "./lab-context.tsx";
import { SaveExperiment } from "./save-experiment.tsx";
import { useTheme } from "./theme.tsx";
import { useWidth } from "./use-width.ts";

/** Best settings that the table lists. */
const SHOWN = 5;
const CELL_HEIGHT = 12;
const MARGIN = { left: 86 };

/** A search: the grid as it fills, and the best settings so far. */
export function SearchResult({ record }: { readonly record: ExperimentRecord }) {
  const lab = useLab();
  if (record.result.kind !== "search") return null;
  const { report, registers, sensitiveBlock } = record.result;
  const { cells, evaluations, exhaustive, images, data, settings } = report;
  const { quantize } = record.request;
  const isLabelled = cells[0]?.top1 !== null && cells.length > 0;
  return (
    <div className="experiment" data-testid="result-search" data-done={record.done}>
      <div className="panel-head">
        <h3>
          Search, W{quantize.weightBits}A{quantize.activationBits}{" "}
          <small data-testid="search-progress">
            {formatCount(evaluations)} of {formatCount(exhaustive)} evaluations (
            {formatPercent(evaluations / exhaustive)}) of {formatCount(settings)} settings · {images} images
            of {data} · sensitive block {sensitiveBlock}
          </small>
        </h3>
        <SaveExperiment record={record} />
      </div>
      <SearchGrid report={report} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard */}
      <section className="table-scroll" aria-label="Best settings" tabIndex={0}>
        <table className="accuracy-table">
          <thead>
            <tr>
              <th scope="col">setting</th>
              <th scope="col">images</th>
              <th scope="col">feature MSE</th>
              <th scope="col">mean cosine</th>
              {isLabelled && <th scope="col">top-1</th>}
              <th scope="col">
                <span className="visually-hidden">use</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {cells.slice(0, SHOWN).map(({ setting, n, mse, cosine, top1 }, i) => (
              <tr key={settingKey(setting)} data-testid={`search-row-${i}`}>
                <th scope="row">{settingKey(setting)}</th>
                <td>{n}</td>
                <td>{mse.toExponential(3)}</td>
                <td>{cosine.toFixed(4)}</td>
                {isLabelled && <td>{top1 === null ? "–" : formatPercent(top1)}</td>}
                <td>
                  <Button
                    aria-label={`Use the setting ${settingKey(setting)}`}
                    data-testid={`search-use-${i}`}
                    onPress={() => void lab.adoptSetting(setting, registers, record.request)}
                  >
                    Use
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

/** Rows are prefixes, columns deletions; colour is the feature error, height how many images were seen. */
function SearchGrid({ report }: { readonly report: SearchReport }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { theme } = useTheme();
  const palette = paletteOf(theme);
  const { rows, columns, cells, domain } = searchGridFigure(report);
  const cellWidth = Math.max(2, (width - MARGIN.left) / Math.max(1, columns.length));
  const height = rows.length * CELL_HEIGHT;
  return (
    <div ref={ref} className="chart">
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`Grid of ${rows.length} prefixes by ${columns.length} deletions; ${cells.length} settings evaluated`}
      >
        <g className="axis">
          {rows.map(({ key, label }, row) => (
            <text key={key} x={MARGIN.left - 6} y={(row + 0.5) * CELL_HEIGHT} dy="0.32em" textAnchor="end">
              {label}
            </text>
          ))}
        </g>
        <rect
          x={MARGIN.left}
          width={Math.max(0, cellWidth * columns.length)}
          height={rows.length * CELL_HEIGHT}
          fill={palette.empty}
        />
        {cells.map(({ row, column, colour, seen, isBest, result }) => (
          <rect
            key={settingKey(result.setting)}
            className={isBest ? "grid-best" : undefined}
            x={MARGIN.left + column * cellWidth}
            y={row * CELL_HEIGHT + (1 - Math.max(0.25, seen)) * CELL_HEIGHT}
            width={Math.max(1, cellWidth - 0.5)}
            height={Math.max(0.25, seen) * CELL_HEIGHT - 0.5}
            fill={palette.table[colour]}
          >
            <title>{`${settingKey(result.setting)}: MSE ${result.mse.toExponential(3)} on ${result.n} images`}</title>
          </rect>
        ))}
      </svg>
      <p className="hint">
        Rows: prefixes. Columns: deletions, more tokens to the right. Colour: feature MSE, log scale,{" "}
        {domain[0].toExponential(1)} to {domain[1].toExponential(1)}. Height: images seen. Ring: best so far.
      </p>
    </div>
  );
}
