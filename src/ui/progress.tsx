import { Button, Label, ProgressBar } from "react-aria-components";
import { formatProgress } from "../figures/format.ts";
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
            <Label>{formatProgress(props.progress)}</Label>
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
