import { useState } from "react";
import { Button } from "react-aria-components";
import { type PatchRectangle, paintRectangle } from "../image/paint-mask.ts";
import { currentMask } from "../store/mask.ts";
import { NumberInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

const EDGES = [
  { edge: "top", label: "Row from" },
  { edge: "bottom", label: "Row to" },
  { edge: "left", label: "Column from" },
  { edge: "right", label: "Column to" },
] as const;

/** A rectangle of patches by numbers, painted as the brush paints. */
export function MaskRectangle({ mode }: { readonly mode: "add" | "erase" }) {
  const lab = useLab();
  const grid = useLabState((state) => state.model?.spec.grid ?? 1);
  const size = useLabState((state) => state.image?.info.view.size ?? 0);
  const [chosen, setChosen] = useState<PatchRectangle>({ top: 0, bottom: 0, left: 0, right: 0 });
  const last = grid - 1;
  // Numbers that were typed for a finer grid stay inside a coarser one.
  const rectangle = Object.fromEntries(
    EDGES.map(({ edge }) => [edge, Math.min(chosen[edge], last)]),
  ) as unknown as PatchRectangle;
  const isEmpty = rectangle.bottom < rectangle.top || rectangle.right < rectangle.left;

  function paint() {
    const mask = currentMask(lab.store.getState()).inside ?? new Uint8Array(size * size);
    lab.setMask(paintRectangle(mask, size, grid, rectangle, mode === "add" ? 1 : 0));
  }

  return (
    <fieldset className="mask-rectangle">
      <legend>Rectangle of patches</legend>
      {EDGES.map(({ edge, label }) => (
        <NumberInput
          key={edge}
          label={label}
          value={rectangle[edge]}
          min={0}
          max={last}
          step={1}
          testId={`mask-${edge}`}
          onChange={(value) => setChosen((old) => ({ ...old, [edge]: value }))}
        />
      ))}
      <Button onPress={paint} isDisabled={isEmpty} data-testid="mask-rectangle">
        {mode === "add" ? "Set as foreground" : "Set as background"}
      </Button>
    </fieldset>
  );
}
