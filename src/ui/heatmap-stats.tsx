import { memo } from "react";
import { formatMagnitude } from "../figures/format.ts";
import type { Tensor } from "../figures/tensors.ts";
import type { LaneRow } from "../store/state.ts";
import { summarise } from "../trace/summary.ts";
import type { Lane } from "../worker/api.ts";

/** max, p99 and median over tokens beside every block, with the token and channel of the maximum. */
export function HeatmapStats(props: {
  readonly lane: Lane;
  readonly rows: readonly (LaneRow | null)[];
  readonly tensor: Tensor;
  readonly headHeight: number;
  readonly rowHeight: number;
}) {
  const { lane, rows, tensor, headHeight, rowHeight } = props;
  const hasChannel = tensor.id === "residual";
  return (
    <table className="stats" aria-label={`Summary over tokens of the ${lane}: ${tensor.label}`}>
      <thead>
        <tr style={{ height: headHeight }}>
          <th scope="col" className="visually-hidden">
            block
          </th>
          <th scope="col">max</th>
          <th scope="col">p99</th>
          <th scope="col">median</th>
          <th scope="col" className="optional" title="Token of the maximum">
            token
          </th>
          {hasChannel && (
            <th scope="col" className="optional" title="Channel of the maximum">
              chan.
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, block) => (
          <StatsRow
            // biome-ignore lint/suspicious/noArrayIndexKey: the index is the block
            key={block}
            lane={lane}
            block={block}
            row={row}
            tensor={tensor}
            height={rowHeight}
          />
        ))}
      </tbody>
    </table>
  );
}

const StatsRow = memo(function StatsRow(props: {
  readonly lane: Lane;
  readonly block: number;
  readonly row: LaneRow | null;
  readonly tensor: Tensor;
  readonly height: number;
}) {
  const { lane, block, row, tensor, height } = props;
  const hasChannel = tensor.id === "residual";
  const id = `stat-${lane}-${block}`;
  if (!row) {
    return (
      <tr style={{ height }}>
        <th scope="row" className="visually-hidden">
          {block}
        </th>
        <td colSpan={hasChannel ? 5 : 4} />
      </tr>
    );
  }
  const values = tensor.read(row.trace);
  const summary = summarise(values);
  const top = values.indexOf(summary.max);
  return (
    <tr style={{ height }} className={row.fresh ? undefined : "faded"}>
      <th scope="row" className="visually-hidden">
        {block}
      </th>
      <td className="stat-max" data-testid={`${id}-max`}>
        {formatMagnitude(summary.max)}
      </td>
      <td data-testid={`${id}-p99`}>{formatMagnitude(summary.p99)}</td>
      <td data-testid={`${id}-median`}>{formatMagnitude(summary.median)}</td>
      <td className="optional" data-testid={`${id}-token`}>
        {top < 0 ? "–" : row.trace.positions[top]}
      </td>
      {hasChannel && (
        <td className="optional" data-testid={`${id}-channel`}>
          {top < 0 ? "–" : row.trace.residual.topChannel[top]}
        </td>
      )}
    </tr>
  );
});
