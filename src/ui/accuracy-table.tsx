import type { ConfigurationResult, EvaluationReport } from "../evaluate/report.ts";
import { formatBytes, formatCount, formatMilliseconds, formatPercent } from "../figures/format.ts";
import { accuracyConfigurations } from "../store/accuracy.ts";
import type { Controls } from "../store/controls.ts";
import { Difference } from "./difference.tsx";
import { IntervalBar } from "./interval-bar.tsx";

/** What the rows that have a prefix or a deletion have beside the bits. */
const ADDED: Readonly<Record<string, string>> = {
  regcache: " + RegCache",
  "random-sink": " + random token (control)",
  "mean-token": " + mean token (control)",
};

/** One row per configuration: counts, top-1 with its interval as a bar, paired difference, mean cosine. */
export function AccuracyTable(props: {
  readonly report: EvaluationReport | null;
  readonly controls: Controls;
  readonly isStale: boolean;
}) {
  const { report, controls } = props;
  const configurations = report
    ? report.configurations
    : accuracyConfigurations(controls).map(({ name }) => ({ name, result: null }));
  const hasInteger = configurations.some(({ name }) => name.endsWith("-int8"));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard
    <section className="table-scroll" aria-label="Accuracy table" tabIndex={0}>
      <table className={props.isStale ? "accuracy-table faded" : "accuracy-table"}>
        <thead>
          <tr>
            <th scope="col">configuration</th>
            <th scope="col">n</th>
            <th scope="col">correct</th>
            <th scope="col">top-1</th>
            <th scope="col">95 % interval</th>
            <th scope="col" className="bar-column">
              0 to 100 %
            </th>
            <th scope="col">difference to FP32</th>
            <th scope="col">mean cosine</th>
            <th scope="col">ms an image</th>
            <th scope="col">weights</th>
          </tr>
        </thead>
        <tbody>
          {configurations.map((entry) => {
            const [, kind = entry.name, precision] = /^(.+)-([^-]+)$/.exec(entry.name) ?? [];
            // Simulated rows say so where int8 ones stand beside them.
            const bits =
              precision === "int8" ? "int8" : `${precision?.toUpperCase()}${hasInteger ? " simulated" : ""}`;
            const result = "correct" in entry && report && report.n > 0 ? entry : null;
            return (
              <AccuracyRow
                key={entry.name}
                kind={kind}
                id={precision === "int8" ? `accuracy-${kind}-int8` : `accuracy-${kind}`}
                label={kind === "fp32" ? "FP32" : `${bits}${ADDED[kind] ?? ", naive"}`}
                n={report?.n ?? 0}
                result={result}
              />
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function AccuracyRow(props: {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  readonly n: number;
  readonly result: ConfigurationResult | null;
}) {
  const { kind, id, label, n, result } = props;
  if (!result) {
    return (
      <tr data-testid={id}>
        <th scope="row">{label}</th>
        <td colSpan={9} className="muted">
          –
        </td>
      </tr>
    );
  }
  const [from, to] = result.interval;
  return (
    <tr data-testid={id}>
      <th scope="row">{label}</th>
      <td data-testid={`${id}-n`}>{formatCount(n)}</td>
      <td data-testid={`${id}-correct`}>{formatCount(result.correct)}</td>
      <td data-testid={`${id}-top1`} className="stat-max">
        {formatPercent(result.top1)}
      </td>
      <td data-testid={`${id}-interval`}>
        {(from * 100).toFixed(1)}–{formatPercent(to)}
      </td>
      <td className="bar-column">
        <IntervalBar kind={kind} result={result} />
      </td>
      <td data-testid={`${id}-difference`}>
        <Difference of={kind === "fp32" ? null : result.difference} />
      </td>
      <td data-testid={`${id}-cosine`}>{result.meanCosine.toFixed(4)}</td>
      <td data-testid={`${id}-milliseconds`}>{formatMilliseconds(result.millisecondsPerImage)}</td>
      <td data-testid={`${id}-bytes`}>{formatBytes(result.weightBytes)}</td>
    </tr>
  );
}
