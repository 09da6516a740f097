import { Button, Label, ProgressBar } from "react-aria-components";
import { formatBytes, formatCount } from "../figures/format.ts";
import type { Progress } from "../worker/api.ts";

/** Progress of long work, with its way out. */
export function WorkProgress(props: {
  readonly progress: Progress;
  readonly cancelLabel: string;
  readonly testId?: string;
  readonly onCancel: () => void;
}) {
  const { done, total } = props.progress;
  return (
    <div className="work" data-testid={props.testId}>
      <ProgressBar value={done} maxValue={Math.max(total, 1)} isIndeterminate={total === 0}>
        {({ percentage, isIndeterminate }) => (
          <>
            <Label>{progressText(props.progress)}</Label>
            <div className="bar">
              <div
                className={isIndeterminate ? "bar-fill bar-waiting" : "bar-fill"}
                style={{ width: `${isIndeterminate ? 30 : percentage}%` }}
              />
            </div>
          </>
        )}
      </ProgressBar>
      <Button onPress={props.onCancel}>{props.cancelLabel}</Button>
    </div>
  );
}

/** What is done, and how much of it where that is known. */
function progressText({ stage, done, total }: Progress): string {
  if (total === 0) return stage;
  const [, name = stage, unit] = /^(.*?)(?: \((\w+)\))?$/.exec(stage) ?? [];
  if (unit === "bytes") return `${name}: ${formatBytes(done)} of ${formatBytes(total)}`;
  return `${name}: ${formatCount(done)} of ${formatCount(total)}${unit ? ` ${unit}` : ""}`;
}
