import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from "react";
import { paintDisc, togglePatch } from "../image/paint-mask.ts";
import { currentMask } from "../store/mask.ts";
import { useLab, useLabState } from "./lab-context.tsx";

/** How strongly the background is darkened, 0..1. */
const SHADE = 0.7;

/**
 * The image as the encoder sees it, its background darkened. A pointer paints with a round brush; arrow keys move over
 * the patches and Space turns one over.
 */
export function MaskEditor(props: { readonly mode: "add" | "erase"; readonly brush: number }) {
  const lab = useLab();
  const spec = useLabState((state) => state.model?.spec);
  const view = useLabState((state) => state.image?.info.view);
  const { inside } = useLabState(currentMask);
  const [patch, setPatch] = useState(0);
  const canvasRef = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const canvas = canvasRef.current;
    if (!canvas || !view) return;
    canvas.width = view.size;
    canvas.height = view.size;
    const rgba = Uint8ClampedArray.from(view.rgba, (value, i) =>
      i % 4 === 3 || inside?.[i >> 2] ? value : value * (1 - SHADE),
    );
    canvas.getContext("2d")?.putImageData(new ImageData(rgba, view.size, view.size), 0, 0);
  }, [view, inside]);
  if (!spec || !view) return null;
  const { size } = view;
  // Several moves may come before the next render, so the newest mask is asked for.
  const mask = () => currentMask(lab.store.getState()).inside ?? new Uint8Array(size * size);

  function paint(event: PointerEvent<HTMLElement>) {
    if (event.buttons !== 1) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * size;
    const y = ((event.clientY - box.top) / box.height) * size;
    const value = props.mode === "add" ? 1 : 0;
    lab.setMask(paintDisc(mask(), size, { x, y, radius: (props.brush * size) / 2 }, value));
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    if (!spec) return;
    const { grid } = spec;
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid, ArrowDown: grid };
    const move = moves[event.key];
    if (move !== undefined) setPatch(Math.min(grid * grid - 1, Math.max(0, patch + move)));
    else if (event.key === " " || event.key === "Enter") lab.setMask(togglePatch(mask(), size, grid, patch));
    else return;
    event.preventDefault();
  }

  const [row, column] = [Math.floor(patch / spec.grid), patch % spec.grid];
  return (
    <div
      className="mask-editor"
      role="application"
      aria-roledescription="mask editor"
      aria-label={`Mask: patch row ${row}, column ${column}. Arrow keys move, Space turns the patch over; a pointer paints.`}
      data-testid="mask-editor"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is operated by arrow keys
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={paint}
      onPointerMove={paint}
    >
      <canvas ref={canvasRef} className={size < 128 ? "overlay-image pixelated" : "overlay-image"} />
      <svg className="overlay-marks" viewBox={`0 0 ${spec.grid} ${spec.grid}`} aria-hidden="true">
        <rect x={column} y={row} width={1} height={1} className="cursor-halo" />
        <rect x={column} y={row} width={1} height={1} className="cursor-cell" />
      </svg>
    </div>
  );
}
