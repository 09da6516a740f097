import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef } from "react";
import { leadingTokens } from "../encoder/spec.ts";
import { formatMagnitude } from "../figures/format.ts";
import { summarise } from "../trace/summary.ts";
import type { Lane } from "../worker/api.ts";
import { useLab, useLabState } from "./lab-context.tsx";
import { LANE_NAMES } from "./lane-names.ts";
import { OverlayCells, OverlayMarks } from "./overlay-layers.tsx";
import { SpecialTokens } from "./special-tokens.tsx";
import { useLitBlock, useScale } from "./use-figure.ts";

/** The image as the encoder sees it, under its patches coloured by the lit block. */
export function PatchOverlay({ lane }: { readonly lane: Lane }) {
  const lab = useLab();
  const spec = useLabState((state) => state.model?.spec);
  const view = useLabState((state) => state.image?.info.view);
  const state = useLabState((current) => current.lanes[lane].state);
  const block = useLitBlock();
  const row = useLabState((current) => (block === null ? null : (current.lanes[lane].rows[block] ?? null)));
  const { tensor } = useScale();
  const imageRef = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (!imageRef.current || !view) return;
    imageRef.current.width = view.size;
    imageRef.current.height = view.size;
    const pixels = new ImageData(new Uint8ClampedArray(view.rgba), view.size, view.size);
    imageRef.current.getContext("2d")?.putImageData(pixels, 0, 0);
  }, [view]);
  if (!spec) return null;

  const tokenAt = (event: PointerEvent<HTMLElement>): number => {
    const box = event.currentTarget.getBoundingClientRect();
    const cell = (offset: number, length: number) =>
      Math.min(spec.grid - 1, Math.max(0, Math.floor((offset / length) * spec.grid)));
    const column = cell(event.clientX - box.left, box.width);
    return leadingTokens(spec) + cell(event.clientY - box.top, box.height) * spec.grid + column;
  };

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    if (!spec || block === null) return;
    const { hover, selection } = lab.store.getState();
    const leading = leadingTokens(spec);
    const from = Math.max((hover ?? selection)?.token ?? leading, leading);
    const last = leading + spec.grid ** 2 - 1;
    const moves: Record<string, readonly [block: number, token: number]> = {
      ArrowLeft: [block, from - 1],
      ArrowRight: [block, from + 1],
      ArrowUp: [block, from - spec.grid],
      ArrowDown: [block, from + spec.grid],
      PageUp: [Math.max(0, block - 1), from],
      PageDown: [Math.min(spec.blocks - 1, block + 1), from],
    };
    const move = moves[event.key];
    if (move) lab.hover({ block: move[0], token: move[1] < leading || move[1] > last ? from : move[1] });
    else if (event.key === "Enter" || event.key === " ") lab.select({ block, token: from });
    else if (event.key === "Escape") lab.select(null);
    else return;
    event.preventDefault();
  }

  const values = row && tensor.read(row.trace);
  return (
    <figure className="overlay" data-testid={`overlay-${lane}`} data-state={state}>
      <figcaption>
        <span className={`lane-mark lane-${lane}`} aria-hidden="true" />
        {LANE_NAMES[lane]}
        {block !== null && <span className="muted">block {block}</span>}
        {values && <span className="overlay-max">max {formatMagnitude(summarise(values).max)}</span>}
      </figcaption>
      <div
        className="overlay-target"
        role="application"
        aria-roledescription="image with patches"
        aria-label={`${LANE_NAMES[lane]}: ${spec.grid} by ${spec.grid} patches, ${tensor.label}, block ${block ?? "none"}`}
        aria-describedby="heatmap-keys readout"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is operated by arrow keys
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerMove={(event) => block !== null && lab.hover({ block, token: tokenAt(event) })}
        onPointerLeave={() => lab.hover(null)}
        onBlur={() => lab.hover(null)}
        onClick={(event) =>
          block !== null &&
          lab.select({ block, token: tokenAt(event as unknown as PointerEvent<HTMLElement>) })
        }
      >
        <canvas
          ref={imageRef}
          className={view && view.size < 128 ? "overlay-image pixelated" : "overlay-image"}
        />
        <OverlayCells lane={lane} />
        <OverlayMarks lane={lane} />
      </div>
      <SpecialTokens lane={lane} block={block} />
    </figure>
  );
}
