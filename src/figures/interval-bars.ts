import { scaleLinear } from "d3-scale";
import type { ConfigurationResult, Interval } from "../evaluate/report.ts";

/** A bar from 0 to top-1 with its whisker, in per cent of the axis' length. */
export interface IntervalBar {
  readonly bar: number;
  readonly low: number;
  readonly high: number;
}

/** Places a proportion and its interval on a 0..1 axis. */
export function intervalBar(result: Pick<ConfigurationResult, "top1" | "interval">): IntervalBar {
  const x = scaleLinear().domain([0, 1]).range([0, 100]).clamp(true);
  return { bar: x(result.top1), low: x(result.interval[0]), high: x(result.interval[1]) };
}

/** A difference is distinguishable only once its interval excludes zero. */
export function excludesZero([low, high]: Interval): boolean {
  return low > 0 || high < 0;
}
