import { formatCount, formatMagnitude, formatPercent } from "../figures/format.ts";
import { isSameUnit } from "../figures/sensitivity-figure.ts";
import { type SensitivityReport, unitName } from "../regcache/sensitivity.ts";
import { Difference } from "./difference.tsx";
import { FC2_MAXIMUM, RESIDUAL_MAXIMUM } from "./sensitivity-chart.tsx";

/** All numbers of a sweep: a row per unit, and one of FP32; a block's maxima stand at its first unit. */
export function SensitivityTable({ report }: { readonly report: SensitivityReport }) {
  const { n, units, blocks, mostSensitive, fp32 } = report;
  const perBlock = Math.max(1, Math.round(units.length / blocks.length));
  const byBlock = new Map(blocks.map((each) => [each.block, each]));
  return (
    <details data-testid="sensitivity-numbers">
      <summary>All numbers</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard */}
      <section className="table-scroll long-table" aria-label="Numbers of the sensitivity sweep" tabIndex={0}>
        <table className="accuracy-table sensitivity-table">
          <thead>
            <tr>
              <th scope="col">quantized alone</th>
              <th scope="col">n</th>
              <th scope="col">mean cosine</th>
              <th scope="col">feature MSE</th>
              {fp32 && (
                <>
                  <th scope="col">top-1</th>
                  <th scope="col">95 % interval</th>
                  <th scope="col">difference to FP32</th>
                </>
              )}
              <Heads of={RESIDUAL_MAXIMUM} />
              <Heads of={FC2_MAXIMUM} />
            </tr>
          </thead>
          <tbody>
            {fp32 && (
              <tr data-testid="sensitivity-fp32">
                <th scope="row">none (FP32)</th>
                <td>{formatCount(n)}</td>
                <td>{(1).toFixed(5)}</td>
                <td>0</td>
                <td className="stat-max">{formatPercent(fp32.top1)}</td>
                <td />
                <td>
                  <Difference of={null} />
                </td>
                <td colSpan={4} />
              </tr>
            )}
            {units.map((unit, i) => {
              const { block, mse, cosine, accuracy } = unit;
              const { residual, fc2Input } = byBlock.get(block)!;
              return (
                <tr key={unitName(unit)} data-testid={`sensitivity-row-${i}`}>
                  <th scope="row">
                    {unitName(unit)}
                    {isSameUnit(unit, mostSensitive) && <em className="undecided">most sensitive</em>}
                  </th>
                  <td>{formatCount(n)}</td>
                  <td>{cosine.toFixed(5)}</td>
                  <td>{mse.toExponential(3)}</td>
                  {fp32 &&
                    (accuracy ? (
                      <>
                        <td className="stat-max">{formatPercent(accuracy.top1)}</td>
                        <td>
                          {(accuracy.interval[0] * 100).toFixed(1)}–{formatPercent(accuracy.interval[1])}
                        </td>
                        <td>
                          <Difference of={accuracy.difference} />
                        </td>
                      </>
                    ) : (
                      <td colSpan={3}>–</td>
                    ))}
                  {i % perBlock === 0 &&
                    [residual.max, residual.meanMax, fc2Input.max, fc2Input.meanMax].map((value, column) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: the columns are fixed
                      <td key={column} rowSpan={perBlock}>
                        {formatMagnitude(value)}
                      </td>
                    ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </details>
  );
}

/** Over all images, and the mean of the images' own. */
function Heads({ of }: { readonly of: string }) {
  return (
    <>
      <th scope="col">{of}</th>
      <th scope="col">its mean per image</th>
    </>
  );
}
