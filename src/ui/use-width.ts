import { type RefObject, useEffect, useRef, useState } from "react";

/**
 * Content width of an element in whole CSS pixels, followed as it changes; 0 before it is laid out. Only the
 * observer is asked: reading the width in an effect would force a layout of the whole page inside React's commit.
 */
export function useWidth<E extends HTMLElement>(): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver((entries) => {
      const box = entries[entries.length - 1]?.contentRect;
      if (box) setWidth(Math.floor(box.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
