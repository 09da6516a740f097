import { type ReactNode, type RefObject, useLayoutEffect, useRef } from "react";

/**
 * One of the parts of the page that take each other's place, such as buttons and the progress of what they start. The one that comes
 * takes the focus over from the one that goes, which else would fall to the page. Each needs a key of its own.
 */
export function TakingPlace(props: {
  /** Shared by the parts: whether the one that went had the focus. */
  readonly hadFocus: RefObject<boolean>;
  /** Selects what takes the focus. */
  readonly focus: string;
  readonly children: ReactNode;
}) {
  const { hadFocus, focus } = props;
  const part = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = part.current;
    if (hadFocus.current) element?.querySelector<HTMLElement>(focus)?.focus();
    hadFocus.current = false;
    return () => {
      hadFocus.current = element?.contains(document.activeElement) ?? false;
    };
  }, [hadFocus, focus]);
  return <div ref={part}>{props.children}</div>;
}
