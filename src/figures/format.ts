import { format } from "d3-format";

const significant = format(".4r");
const exponent = format(".2e");
const thousands = format(",d");

/** A magnitude with four significant digits: 525.3, 12.34, 0.1234; 2.50e-5 below 0.001; "0" and "not finite" by name. */
export function formatMagnitude(value: number): string {
  if (!Number.isFinite(value)) return "not finite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e5 ? exponent(value) : significant(value);
}

/** A whole number with thousands separators. */
export function formatCount(value: number): string {
  return thousands(value);
}

/** A range of blocks: "block 5", "blocks 2 to 5". */
export function formatBlocks(from: number, to: number): string {
  return from === to ? `block ${to}` : `blocks ${from} to ${to}`;
}

/** A proportion as per cent with one decimal: 0.884 -> "88.4 %". */
export function formatPercent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

/** A difference of proportions in percentage points, signed: -0.016 -> "−1.6 pp". */
export function formatPoints(value: number): string {
  const points = (value * 100).toFixed(1);
  if (Number(points) === 0) return "0.0 pp";
  return `${value < 0 ? "−" : "+"}${points.replace("-", "")} pp`;
}

/** A duration: 4.27 ms below 10, 93.7 ms above, 1,234 ms from a second on. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds >= 1000) return `${thousands(milliseconds)} ms`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`;
}

/** Bytes in decimal units, as download sizes are stated: 22,300,000 -> "22.3 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** A colour-scale tick: 0.1, 1, 30, 1,000. */
export function formatTick(value: number): string {
  return value >= 1000 ? thousands(value) : format("~r")(Number(value.toPrecision(1)));
}

/**
 * What long work does, and how much of it is done where that is known: a stage "Curating (images)" reads "Curating: 3 of 30
 * images", "Reading (bytes)" in units of bytes.
 */
export function formatProgress(progress: {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}): string {
  const { stage, done, total } = progress;
  const [, name = stage, unit] = /^(.*?)(?: \((\w+)\))?$/.exec(stage) ?? [];
  if (total === 0) return name;
  if (unit === "bytes") return `${name}: ${formatBytes(done)} of ${formatBytes(total)}`;
  return `${name}: ${formatCount(done)} of ${formatCount(total)}${unit ? ` ${unit}` : ""}`;
}
