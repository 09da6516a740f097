import { useState } from "react";
import { Button, FileTrigger } from "react-aria-components";
import { formatPercent } from "../figures/format.ts";
import { foregroundShare } from "../image/mask.ts";
import { currentMask } from "../store/mask.ts";
import { SegmentField, SliderField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { MaskEditor } from "./mask-editor.tsx";
import { MaskRectangle } from "./mask-rectangle.tsx";
import { MaskScene } from "./mask-scene.tsx";

const MODES = [
  { id: "add", label: "foreground" },
  { id: "erase", label: "background" },
] as const;

/** The foreground of the open image: painted, toggled patch by patch, or read from a file; and its comparison. */
export function MaskPanel() {
  const lab = useLab();
  const view = useLabState((state) => state.image?.info.view);
  const { inside, running } = useLabState(currentMask);
  const [isOpen, setOpen] = useState(false);
  const [mode, setMode] = useState<"add" | "erase">("add");
  const [brush, setBrush] = useState(0.12);
  if (!view) return null;
  const share = inside ? foregroundShare(inside) : 0;
  const hasBoth = share > 0 && share < 1;
  return (
    <section className="panel" aria-labelledby="mask-heading" data-testid="mask">
      <h2 id="mask-heading">Mask</h2>
      <p className="hint" data-testid="mask-info">
        {inside ? `${formatPercent(share)} of the pixels are foreground` : "No foreground is marked."}
      </p>
      {isOpen && (
        <>
          <MaskEditor mode={mode} brush={brush} />
          <SegmentField
            label="Brush paints"
            value={mode}
            options={MODES}
            testId="mask-mode"
            onChange={setMode}
          />
          <SliderField
            label="Brush size"
            values={[brush]}
            thumbs={["Brush size"]}
            min={0.02}
            max={0.5}
            step={0.02}
            format={([size]) => `${Math.round((size ?? 0) * 100)} % of the side`}
            onChange={([size]) => setBrush(size ?? brush)}
          />
          <MaskRectangle mode={mode} />
        </>
      )}
      <div className="row">
        <Button onPress={() => setOpen(!isOpen)} aria-expanded={isOpen} data-testid="mask-edit">
          {isOpen ? "Close" : "Paint…"}
        </Button>
        <FileTrigger
          acceptedFileTypes={["image/*"]}
          onSelect={(files) => files?.[0] && void lab.openMask(files[0])}
          data-testid="mask-input"
        >
          <Button>Load…</Button>
        </FileTrigger>
        {inside && (
          <>
            <Button onPress={() => lab.setMask(inside.map((value) => 1 - value))}>Invert</Button>
            <Button onPress={() => lab.setMask(null)} data-testid="mask-clear">
              Clear
            </Button>
          </>
        )}
      </div>
      <MaskScene />
      <div className="row">
        <Button
          className="primary"
          isDisabled={!hasBoth || running}
          onPress={() => void lab.compareParts()}
          data-testid="mask-compare"
        >
          {running ? "Comparing" : "Compare foreground and background"}
        </Button>
      </div>
    </section>
  );
}
