import { useState } from "react";
import { Button } from "react-aria-components";
import { counted } from "../figures/counted.ts";
import { formatCount, formatPercent } from "../figures/format.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { useLab } from "./lab-context.tsx";
import { RegistersFacts } from "./registers-facts.tsx";
import { SaveExperiment } from "./save-experiment.tsx";
import { SearchGrid } from "./search-grid.tsx";
import { SkippedImages } from "./skipped-images.tsx";

/** Best settings that the table lists, unless all are asked for. */
const SHOWN = 5;

/** A search: the grid as it fills, and the best settings so far. */
export function SearchResult({ record }: { readonly record: ExperimentRecord }) {
  const lab = useLab();
  const [showsAll, setShowsAll] = useState(false);
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
            {formatPercent(evaluations / exhaustive)}) of {formatCount(settings)} settings ·{" "}
            {counted(images, "image")} of {data} · sensitive block {sensitiveBlock}
          </small>
        </h3>
        <SaveExperiment record={record} />
      </div>
      <SkippedImages skipped={report.skipped} testId="search-skipped" />
      <RegistersFacts registers={registers} testId="search-registers" name="Registers" />
      <SearchGrid report={report} />
      <section
        className={showsAll ? "table-scroll long-table" : "table-scroll"}
        aria-label={showsAll ? "All evaluated settings" : "Best settings"}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard
        tabIndex={0}
      >
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
            {cells.slice(0, showsAll ? cells.length : SHOWN).map(({ setting, n, mse, cosine, top1 }, i) => (
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
      {cells.length > SHOWN && (
        <Button
          className="search-more"
          aria-expanded={showsAll}
          data-testid="search-all"
          onPress={() => setShowsAll(!showsAll)}
        >
          {showsAll ? `The best ${SHOWN} alone` : `All ${formatCount(cells.length)} evaluated settings`}
        </Button>
      )}
    </div>
  );
}
