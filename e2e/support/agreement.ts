import { formatMagnitude } from "../../src/figures/format.ts";
import type { CliTrace } from "./cli.ts";

/** What the page prints beside a block. */
export interface ShownRow {
  readonly max: string;
  readonly p99: string;
  readonly median: string;
  readonly token: string;
  /** "" for tensors other than the residual stream. */
  readonly channel: string;
}

/** The largest relative difference at which the page and the command line still agree, by block. */
export type Tolerance = (block: number) => number;

/** In floating point. */
export const AGREEMENT: Tolerance = () => 1e-4;

/**
 * With quantized activations. The two runtimes add in different orders, so an activation that lies in the middle
 * between two levels may be rounded either way; beside a massive activation one level is large. Block 0 sees the
 * least of that, and must stay far below what quantization itself does.
 */
export const QUANTIZED: Tolerance = (block) => (block === 0 ? 5e-4 : 0.05);

/** Whether `shown` is how the page prints some number within `tolerance` (relative) of `value`. */
export function isShownAs(shown: string, value: number, tolerance: number): boolean {
  const margin = tolerance * Math.abs(value);
  const low = Number(formatMagnitude(value - margin));
  const high = Number(formatMagnitude(value + margin));
  return shown.trim() !== "" && Number(shown) >= low && Number(shown) <= high;
}

/**
 * Where the page and the command line disagree on the residual stream, one line each; empty = they agree on max,
 * p99 and median of every block, and on the token and channel of the maximum.
 */
export function residualDisagreements(
  rows: readonly ShownRow[],
  trace: CliTrace,
  tolerance: Tolerance,
): string[] {
  if (rows.length !== trace.blocks.length) return [`${rows.length} rows for ${trace.blocks.length} blocks`];
  return trace.blocks.flatMap(({ block, residual, perToken }, i) => {
    const row = rows[i]!;
    const wrong = summaryDisagreements(`block ${block}`, row, residual, tolerance(block));
    // Of two tokens that are equal within the tolerance, either may come first.
    const at = perToken.positions.indexOf(Number(row.token));
    const linf = perToken.linf[at] ?? 0;
    if (row.token === "" || linf < residual.max * (1 - tolerance(block))) {
      wrong.push(`block ${block} token: page ${row.token}, command line ${residual.maxToken}`);
    }
    if (Number(row.token) === residual.maxToken && Number(row.channel) !== residual.maxChannel) {
      wrong.push(`block ${block} channel: page ${row.channel}, command line ${residual.maxChannel}`);
    }
    return wrong;
  });
}

/** Where they disagree on FC2's input. */
export function fc2Disagreements(rows: readonly ShownRow[], trace: CliTrace, tolerance: Tolerance): string[] {
  if (rows.length !== trace.blocks.length) return [`${rows.length} rows for ${trace.blocks.length} blocks`];
  return trace.blocks.flatMap(({ block, fc2Input }, i) =>
    summaryDisagreements(`block ${block} FC2 input`, rows[i]!, fc2Input, tolerance(block)),
  );
}

function summaryDisagreements(
  where: string,
  row: ShownRow,
  summary: { readonly max: number; readonly p99: number; readonly median: number },
  tolerance: number,
): string[] {
  return (["max", "p99", "median"] as const)
    .filter((key) => !isShownAs(row[key], summary[key], tolerance))
    .map((key) => `${where} ${key}: page ${row[key]}, command line ${summary[key]}`);
}
