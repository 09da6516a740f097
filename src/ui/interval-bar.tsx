import type { ConfigurationResult } from "../evaluate/report.ts";
import { intervalBar } from "../figures/interval-bars.ts";

/** A proportion as a bar on a 0..1 axis, its 95 % interval as a whisker; the numbers stand beside it as text. */
export function IntervalBar(props: {
  /** Chooses the bar's colour, as `interval-<kind>` in the styles. */
  readonly kind: string;
  readonly result: Pick<ConfigurationResult, "top1" | "interval">;
}) {
  const { bar, low, high } = intervalBar(props.result);
  return (
    <svg
      className={`interval-bar interval-${props.kind}`}
      viewBox="0 0 100 16"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect className="interval-track" x="0" y="3" width="100" height="10" />
      <rect className="interval-value" x="0" y="3" width={bar} height="10" />
      <path className="interval-whisker" d={`M${low},8 H${high} M${low},4 V12 M${high},4 V12`} />
    </svg>
  );
}
