import type { ConfigurationResult } from "../evaluate/report.ts";
import { formatPoints } from "../figures/format.ts";
import { excludesZero } from "../figures/interval-bars.ts";

/** A paired difference to FP32 with its 95 % interval, both in points; null = this is FP32 itself. */
export function Difference({ of }: { readonly of: ConfigurationResult["difference"] | null }) {
  if (!of) return <span className="muted">reference</span>;
  const { value, interval } = of;
  return (
    <>
      {formatPoints(value)} [{formatPoints(interval[0])}, {formatPoints(interval[1])}]
      {!excludesZero(interval) && <em className="undecided">not yet distinguishable</em>}
    </>
  );
}
