import { type RefObject, useLayoutEffect, useRef } from "react";
import { Button, Label, ProgressBar } from "react-aria-components";
import { formatProgress } from "../figures/format.ts";
import type { Progress } from "../worker/api.ts";

/** Progress of long work, with its way out. Screen readers are told its stages, and of downloads the quarters. */
export function WorkProgress(props: {
  readonly progress: Progress;
  readonly cancelLabel: string;
  readonly testId?: string;
  readonly onCancel: () => void;
  /** What Cancel says once it was pressed and until the work has ended: it keeps the focus, and cannot be pressed again. */
  readonly endingLabel?: string | undefined;
  /** Takes the focus when the work ends while Cancel has it, which goes away then. */
  readonly focusAfter?: RefObject<HTMLElement | null>;
}) {
  const { done, total } = props.progress;
  const { focusAfter } = props;
  const work = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = work.current;
    return () => {
      if (element?.contains(document.activeElement)) focusAfter?.current?.focus();
    };
  }, [focusAfter]);
  return (
    <div className="work" ref={work} data-testid={props.testId}>
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
      <span className="visually-hidden" role="status">
        {milestone(props.progress)}
      </span>
      <Button onPress={props.onCancel} isPending={props.endingLabel !== undefined}>
        {props.endingLabel ?? props.cancelLabel}
      </Button>
    </div>
  );
}

/** A text that changes seldom: with every step a screen reader would never be silent. */
function milestone({ stage, done, total }: Progress): string {
  const name = stage.replace(/ \((bytes|parts)\)$/, "");
  return stage.endsWith("(bytes)") && total > 0 ? `${name}: ${Math.floor((4 * done) / total) * 25} %` : name;
}
