import type { ReactNode } from "react";
import { Button, Tooltip, TooltipTrigger } from "react-aria-components";

/** A mark whose detail is shown on focus and hover, and told to screen readers. */
export function DetailMark(props: {
  readonly detail: string;
  readonly className: string;
  readonly testId: string;
  readonly children: ReactNode;
}) {
  const { detail, testId } = props;
  return (
    <>
      <TooltipTrigger delay={200}>
        <Button className={props.className} data-testid={testId} aria-describedby={`${testId}-detail`}>
          {props.children}
        </Button>
        <Tooltip placement="bottom">{detail}</Tooltip>
      </TooltipTrigger>
      {/* The tooltip exists only while it is open. */}
      <span id={`${testId}-detail`} className="visually-hidden" data-testid={`${testId}-detail`}>
        {detail}
      </span>
    </>
  );
}
