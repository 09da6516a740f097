import { scaleLog } from "d3-scale";
import { TABLE_SIZE } from "./colour-table.ts";

/** A fixed, clamped domain of a log colour scale, both ends nice (1 or 3 times a power of ten). */
export interface Domain {
  readonly low: number;
  readonly high: number;
}

/** What a cell is, besides a value inside the domain. */
export type CellMark = "value" | "below" | "above" | "zero" | "not-finite";

const MANTISSAS = [1, 3, 10] as const;

function niceAround(value: number): [floor: number, ceil: number] {
  const power = Math.floor(Math.log10(value));
  const unit = 10 ** power;
  const mantissa = value / unit;
  // A hair of tolerance: 3 computed as 2.9999999996 is still 3.
  const floor = mantissa >= 10 - 1e-9 ? 10 : mantissa >= 3 - 1e-9 ? 3 : 1;
  const ceil = MANTISSAS.find((m) => m >= mantissa - 1e-9) ?? 10;
  return [exact(floor, power), exact(ceil, power)];
}

/** mantissa * 10^power without binary drift: 0.3, not 0.30000000000000004. */
function exact(mantissa: number, power: number): number {
  return Number(`${mantissa}e${power}`);
}

/** The largest 1-3-10 value that is not above `value` (> 0). */
export function niceFloor(value: number): number {
  return niceAround(value)[0];
}

/** The smallest 1-3-10 value that is not below `value` (> 0). */
export function niceCeil(value: number): number {
  return niceAround(value)[1];
}

/** 1-3-10 ticks inside a domain, ends included. */
export function logTicks({ low, high }: Domain): readonly number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const mantissa of [1, 3]) {
      const tick = exact(mantissa, power);
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks;
}

/**
 * Nice domain that holds the values of one run: from the 1st percentile down to the next 1-3-10 value, up to the
 * next one above the maximum, at least two decades. It is chosen once for a model and then kept, so that
 * images and interventions stay comparable.
 * @param values positive finite values are used, others ignored
 * @returns null when there is no positive value
 */
export function chooseDomain(values: readonly Float32Array[]): Domain | null {
  const positive = new Float32Array(values.reduce((length, part) => length + part.length, 0));
  let count = 0;
  for (const part of values) {
    for (const value of part) if (value > 0 && Number.isFinite(value)) positive[count++] = value;
  }
  if (count === 0) return null;
  const sorted = positive.subarray(0, count).sort();
  const high = niceCeil(sorted[count - 1]!);
  const low = niceFloor(sorted[Math.floor(count * 0.01)]!);
  return { low: Math.min(low, niceFloor(high / 100)), high };
}

/** How a value is marked under a domain. */
export function cellMark(value: number, { low, high }: Domain): CellMark {
  if (!Number.isFinite(value)) return "not-finite";
  if (value === 0) return "zero";
  if (value < low) return "below";
  return value > high ? "above" : "value";
}

/** Index into a 256-entry table: log-linear in the domain, clamped to its ends. */
export function colourIndex(value: number, { low, high }: Domain): number {
  const t = Math.log(value / low) / Math.log(high / low);
  return Math.round(Math.min(1, Math.max(0, t)) * (TABLE_SIZE - 1));
}

/** Position of a value on a log axis of `length` pixels, clamped to its ends. */
export function logPosition({ low, high }: Domain, length: number): (value: number) => number {
  return scaleLog().domain([low, high]).range([0, length]).clamp(true);
}
