import { TENSORS, tensorOf } from "../figures/tensors.ts";
import { OUTLIER_CRITERIA } from "../measure/outlier-criteria.ts";
import { LANES } from "../store/state.ts";
import { ArrivingModel } from "./arriving-model.tsx";
import { SelectField, SliderField, SwitchField } from "./fields.tsx";
import { Heatmap } from "./heatmap.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { Legend } from "./legend.tsx";
import { MaskFigure } from "./mask-figure.tsx";
import { PatchOverlay } from "./patch-overlay.tsx";
import { Readout } from "./readout.tsx";
import { TopClasses } from "./top-classes.tsx";

const TENSOR_OPTIONS = TENSORS.map(({ id, label }) => ({ id, label }));

/** Everything that shows the traces: overlays, legend, readout, heat maps. */
export function Figures() {
  const lab = useLab();
  const view = useLabState((state) => state.view);
  const hasModel = useLabState((state) => state.model !== null);
  const isLoading = useLabState((state) => state.opening !== null);
  const hasStarted = useLabState((state) => state.status !== null);
  if (!hasModel) {
    return (
      <>
        <p className="empty">
          {hasStarted && !isLoading ? "Open a model to begin." : "The encoder is loading."}
        </p>
        <ArrivingModel />
      </>
    );
  }
  return (
    <>
      <ArrivingModel />
      <section className="panel view-bar" aria-label="What the figures show">
        <SelectField
          label="Tensor"
          value={view.tensor}
          options={TENSOR_OPTIONS}
          testId="tensor"
          onChange={(tensor) => lab.setView({ tensor })}
        />
        <SelectField
          label="Ring around outliers"
          value={view.criterion}
          options={OUTLIER_CRITERIA}
          testId="criterion"
          onChange={(criterion) => lab.setView({ criterion })}
        />
        <SliderField
          label="Overlay"
          values={[view.overlay]}
          thumbs={["Overlay opacity"]}
          min={0}
          max={1}
          step={0.05}
          format={([opacity]) => `${Math.round((opacity ?? 0) * 100)} %`}
          onChange={([overlay]) => lab.setView({ overlay: overlay ?? 1 })}
        />
        <SwitchField
          name="Refill deleted patches of the overlay from their neighbours"
          label="refill deleted"
          isOn={view.refill}
          testId="refill"
          onChange={(refill) => lab.setView({ refill })}
        />
      </section>
      <section className="panel" aria-labelledby="patches-heading">
        <h2 id="patches-heading">
          Patches <small>{tensorOf(view.tensor).label}</small>
        </h2>
        <div className="overlays">
          {LANES.map((lane) => (
            <PatchOverlay key={lane} lane={lane} />
          ))}
        </div>
        <Legend />
      </section>
      <TopClasses />
      <MaskFigure />
      <Readout />
      <section className="panel" aria-labelledby="heatmap-heading">
        <h2 id="heatmap-heading">
          Blocks × tokens <small>{tensorOf(view.tensor).label}</small>
        </h2>
        {LANES.map((lane) => (
          <Heatmap key={lane} lane={lane} />
        ))}
        <p className="hint" id="heatmap-keys">
          Point at a cell, or focus a figure and use the arrow keys; Enter pins the cell, Escape lets the
          views follow the run again.
        </p>
      </section>
    </>
  );
}
