import { Button } from "react-aria-components";
import { formatCount, formatPercent, formatPoints } from "../figures/format.ts";
import { excludesZero } from "../figures/interval-bars.ts";
import { PAPER_MARK, PAPER_VALUES } from "../regcache/paper-values.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { IntervalBar } from "./interval-bar.tsx";
import { useLab } from "./lab-context.tsx";
import { SaveExperiment } from "./save-experiment.tsx";
import { SkippedImages } from "./skipped-images.tsx";

/** The paper's comparisons on this encoder, beside the paper's own numbers at W8A8. */
export function ComparisonResult({ record }: { readonly record: ExperimentRecord }) {
  const lab = useLab();
  if (record.result.kind !== "compare") return null;
  const { report, settings, omitted, registers, chosenOn, skipped, sensitiveBlock } = record.result;
  const { quantize, known, distinct } = record.request;
  const used = registers.at(-1)!.distinct;
  const papers = quantize.weightBits === 8 && quantize.activationBits === 8 ? PAPER_VALUES : [];
  return (
    <div className="experiment" data-testid="result-compare" data-done={record.done}>
      <div className="panel-head">
        <h3>
          Comparison, W{quantize.weightBits}A{quantize.activationBits}{" "}
          <small data-testid="compare-progress">
            {formatCount(report.n)} of {formatCount(report.total)} images · {report.dataset} · {report.head} ·
            chosen on {chosenOn} · sensitive block {sensitiveBlock}
          </small>
        </h3>
        <SaveExperiment record={record} />
      </div>
      <SkippedImages skipped={skipped} testId="compare-skipped" of="of what is chosen on" />
      <SkippedImages skipped={report.skipped} testId="compare-test-skipped" of="of every count" />
      <dl className="experiment-settings">
        <dt>regcache{known ? " (the controls')" : ""}</dt>
        <dd>{settingKey(settings.regcache)}</dd>
        <dt>regcache-similarity</dt>
        <dd>
          {settingKey(settings.any)}{" "}
          <Button
            data-testid="compare-use"
            onPress={() => void lab.adoptSetting(settings.any, registers, record.request)}
          >
            Use this setting
          </Button>
        </dd>
        {distinct > 1 && (
          <>
            <dt>registers of the searched settings</dt>
            <dd data-testid="compare-registers">
              {used} distinct{used < distinct && ` (${distinct} wanted: the tokens have fewer directions)`}
            </dd>
          </>
        )}
        {omitted.map(({ name, reason }) => (
          <div key={name}>
            <dt>left out: {name}</dt>
            <dd>{reason}</dd>
          </div>
        ))}
      </dl>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard */}
      <section className="table-scroll" aria-label="Comparison table" tabIndex={0}>
        <table className="accuracy-table">
          <thead>
            <tr>
              <th scope="col">configuration</th>
              <th scope="col">top-1</th>
              <th scope="col">95 % interval</th>
              <th scope="col" className="bar-column">
                0 to 100 %
              </th>
              <th scope="col">difference to FP32</th>
              <th scope="col">mean cosine</th>
              {papers.map(({ model }) => (
                <th key={model} scope="col">
                  {model} {PAPER_MARK}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {report.configurations.map((result) => {
              const { name, top1, interval, difference, meanCosine } = result;
              return (
                <tr key={name} data-testid={`compare-${name}`}>
                  <th scope="row">{name}</th>
                  <td className="stat-max" data-testid={`compare-${name}-top1`}>
                    {formatPercent(top1)}
                  </td>
                  <td>
                    {(interval[0] * 100).toFixed(1)}–{formatPercent(interval[1])}
                  </td>
                  <td className="bar-column">
                    <IntervalBar kind={name} result={result} />
                  </td>
                  <td>
                    {name === "fp32" ? (
                      <span className="muted">reference</span>
                    ) : (
                      <>
                        {formatPoints(difference.value)}
                        {!excludesZero(difference.interval) && (
                          <em className="undecided">not yet distinguishable</em>
                        )}
                      </>
                    )}
                  </td>
                  <td data-testid={`compare-${name}-cosine`}>{meanCosine.toFixed(4)}</td>
                  {papers.map(({ model, top1: values }) => (
                    <td key={model} className="muted">
                      {values[name]?.toFixed(2) ?? "–"}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {papers.length > 0 && (
        <p className="hint">
          {PAPER_MARK}: the paper's zero-shot top-1 on ImageNet-1k, by a secondary reading; other encoders and
          images than here.
        </p>
      )}
    </div>
  );
}
