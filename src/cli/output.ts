import { type Skipped, skippedText } from "../evaluate/skipped.ts";
import { toJson } from "../trace/trace-report.ts";

/** Everything the command line writes: results to stdout, progress to stderr. */

/** A result as JSON on stdout, numbers in full precision; typed arrays become plain lists. */
export function printJson(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

/** Lines of text on stdout. */
export function printText(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Lines about images that could not be read; none where all could. */
export function skippedLines({ count, examples }: Skipped): string[] {
  const text = skippedText({ count, examples });
  return text === null ? [] : [text, ...examples.slice(1)];
}

/** Writes them to stderr, as they concern what a result is made from. */
export function tellSkipped(skipped: Skipped): void {
  for (const line of skippedLines(skipped)) process.stderr.write(`${line}\n`);
}

/** Rows with their columns aligned: the first to the left, the others to the right; the first row is the head. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Told what is done of a stage. */
export type Progress = (stage: string, done: number, total: number) => void;

/** A progress line on stderr: rewritten in place on a terminal, every tenth part elsewhere (logs). */
export function createProgress(): Progress {
  let shown = "";
  return (stage, done, total) => {
    const terminal = process.stderr.isTTY === true;
    const step = terminal ? done : Math.floor((10 * done) / total);
    const key = `${stage} ${step}`;
    if (key === shown) return;
    shown = key;
    const line = `${stage}: ${done} of ${total}`;
    if (!terminal) process.stderr.write(`${line}\n`);
    else process.stderr.write(`\r\u001b[K${line}${done === total ? "\n" : ""}`);
  };
}

/** How images were run, for a line of text: nothing where they ran one at a time. */
export function batchText({ batch }: { readonly batch: number }): string {
  return batch > 1 ? `, ranges per batch of ${batch}` : "";
}

/** A magnitude for people: four significant digits, no exponent in the usual range. */
export function magnitude(value: number): string {
  return value !== 0 && (value < 1e-3 || value >= 1e6) ? value.toExponential(2) : value.toPrecision(4);
}
