import { Button, Label, ProgressBar } from "react-aria-components";
import { formatBytes } from "../figures/format.ts";
import type { Progress } from "../worker/api.ts";

/** Progress of long work, with its way out. */
export function WorkProgress(props: {
  readonly progress: Progress;
  readonly cancelLabel: string;
  readonly onCancel: () => void;
}) {
  const { stage, done, total } = props.progress;
  return (
    <div className="work">
      <ProgressBar value={done} maxValue={Math.max(total, 1)} isIndeterminate={total === 0}>
        {({ percentage, isIndeterminate }) => (
          <>
            <Label>
              {stage.replace(" (bytes)", "")}
              {stage.endsWith("(bytes)") && total > 0 && `: ${formatBytes(done)} of ${formatBytes(total)}`}
            </Label>
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
