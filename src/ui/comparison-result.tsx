import type { RegCacheSetting } from "../evaluate/recommended.ts";
import { counted } from "../figures/counted.ts";
import { formatCount, formatPercent } from "../figures/format.ts";
import type { KnownSetting } from "../regcache/comparison.ts";
import { PAPER_MARK, PAPER_VALUES } from "../regcache/paper-values.ts";
import { settingKey } from "../regcache/setting-grid.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { withKnownSetting } from "../store/known-setting.ts";
import { Difference } from "./difference.tsx";
import { IntervalBar } from "./interval-bar.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { RegistersFacts } from "./registers-facts.tsx";
import { SaveExperiment } from "./save-experiment.tsx";
import { SkippedImages } from "./skipped-images.tsx";
import { UseSetting } from "./use-setting.tsx";

/** The paper's comparisons on this encoder, beside the paper's own numbers at W8A8. */
export function ComparisonResult({ record }: { readonly record: ExperimentRecord }) {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  if (record.result.kind !== "compare" || !model) return null;
  const { report, settings, omitted, registers, chosenOn, skipped, sensitiveBlock } = record.result;
  const { quantize, known, distinct } = record.request;
  const used = registers.at(-1)!.distinct;
  const adopt = (setting: RegCacheSetting) => void lab.adoptSetting(setting, registers, record.request);
  const { blocks } = model.spec;
  // The controls' setting has registers of its own, which the page may have let go since.
  const own = known && model.registers.find(({ id }) => id === known.registers);
  function adoptKnown(setting: KnownSetting) {
    const images = lab.store.getState().calibration.own?.number;
    lab.setControls((old) => withKnownSetting(old, setting, record.request, blocks, images));
  }
  const papers = quantize.weightBits === 8 && quantize.activationBits === 8 ? PAPER_VALUES : [];
  return (
    <div className="experiment" data-testid="result-compare" data-done={record.done}>
      <div className="panel-head">
        <h3>
          Comparison, W{quantize.weightBits}A{quantize.activationBits}{" "}
          <small data-testid="compare-progress">
            {formatCount(report.n)} of {counted(report.total, "image")} · {report.dataset} · {report.head} ·
            chosen on {chosenOn} · sensitive block {sensitiveBlock}
          </small>
        </h3>
        <SaveExperiment record={record} />
      </div>
      <SkippedImages skipped={skipped} testId="compare-skipped" of="of what is chosen on" />
      <SkippedImages skipped={report.skipped} testId="compare-test-skipped" of="of every count" />
      <dl className="experiment-settings">
        <dt>regcache{known ? " (the controls')" : ""}</dt>
        <dd>
          {settingKey(settings.regcache)}{" "}
          {known ? (
            <UseSetting
              setting={settings.regcache}
              testId="compare-use-regcache"
              isDisabled={!own}
              onUse={() => adoptKnown(known)}
            />
          ) : (
            <UseSetting
              setting={settings.regcache}
              testId="compare-use-regcache"
              onUse={() => adopt(settings.regcache)}
            />
          )}
        </dd>
        <dt>regcache-similarity</dt>
        <dd>
          {settingKey(settings.any)}{" "}
          <UseSetting setting={settings.any} testId="compare-use" onUse={() => adopt(settings.any)} />
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
      {/* Of a stand-in for registers there are no tokens to compare. */}
      {own?.kind === "outliers" && (
        <RegistersFacts registers={[own]} testId="compare-own-registers" name="Registers of regcache" />
      )}
      <RegistersFacts
        registers={registers}
        testId="compare-searched-registers"
        name={known ? "Registers of the searched settings" : "Registers"}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard */}
      <section className="table-scroll" aria-label="Comparison table" tabIndex={0}>
        <table className="accuracy-table">
          <thead>
            <tr>
              <th scope="col">configuration</th>
              <th scope="col">n</th>
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
                  <td data-testid={`compare-${name}-n`}>{formatCount(report.n)}</td>
                  <td className="stat-max" data-testid={`compare-${name}-top1`}>
                    {formatPercent(top1)}
                  </td>
                  <td>
                    {(interval[0] * 100).toFixed(1)}–{formatPercent(interval[1])}
                  </td>
                  <td className="bar-column">
                    <IntervalBar kind={name} result={result} />
                  </td>
                  <td data-testid={`compare-${name}-difference`}>
                    <Difference of={name === "fp32" ? null : difference} />
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
