import { Button } from "react-aria-components";
import { formatCount } from "../figures/format.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import type { ExperimentSettings } from "../store/experiments.ts";
import { MOST_CHOSEN_ON, MOST_MEASURED_ON } from "../store/kept-experiments.ts";
import { EXPERIMENTS, type ExperimentKind } from "../worker/experiment-api.ts";
import { ComparisonResult } from "./comparison-result.tsx";
import { NumberInput, SegmentField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { WorkProgress } from "./progress.tsx";
import { SearchResult } from "./search-result.tsx";
import { SearchSpaceFields } from "./search-space-fields.tsx";
import { SensitivityResult } from "./sensitivity-result.tsx";

const LABELS: Readonly<Record<ExperimentKind, string>> = {
  sensitivity: "Sensitivity",
  search: "Search",
  compare: "Compare",
};

/** The paper's experiments on the loaded encoder and the chosen data set: sensitivity, search, comparisons. */
export function ExperimentsPanel() {
  const lab = useLab();
  const hasModel = useLabState((state) => state.model !== null);
  const { running, progress, records, offer } = useLabState((state) => state.experiments);
  if (!hasModel) return null;
  return (
    <section
      className="panel experiments"
      aria-labelledby="experiments-heading"
      data-testid="experiments"
      data-state={running ?? "idle"}
    >
      <div className="panel-head">
        <h2 id="experiments-heading">Experiments</h2>
      </div>
      <ExperimentControls isDisabled={running !== null} />
      {running && progress ? (
        <WorkProgress progress={progress} cancelLabel="Stop" onCancel={() => void lab.stopExperiment()} />
      ) : (
        <div className="row">
          {EXPERIMENTS.map((kind) => (
            <Button
              key={kind}
              className="primary"
              data-testid={`run-${kind}`}
              onPress={() => void lab.runExperiment(kind)}
            >
              {LABELS[kind]}
            </Button>
          ))}
          {offer !== null && (
            <Button data-testid="search-continue" onPress={() => void lab.continueSearch()}>
              Continue the search at {formatCount(offer)} evaluations
            </Button>
          )}
        </div>
      )}
      <p className="hint">
        Settings are chosen on the data set's probe images, never on those that a comparison is measured on.
        Labels are read by the head that live accuracy uses. Sensitivity: one linear or block is quantized,
        the rest stays FP32 (paper, step 1). Search: prefix and deletion around the most sensitive block (step
        5).
      </p>
      {records.sensitivity && <SensitivityResult record={records.sensitivity} />}
      {records.search && <SearchResult record={records.search} />}
      {records.compare && <ComparisonResult record={records.compare} />}
    </section>
  );
}

function ExperimentControls({ isDisabled }: { readonly isDisabled: boolean }) {
  const lab = useLab();
  const settings = useLabState((state) => state.experiments.settings);
  const choose =
    <K extends keyof ExperimentSettings>(key: K) =>
    (value: ExperimentSettings[K]) =>
      lab.setExperiments({ [key]: value });
  return (
    <div className="accuracy-controls">
      <SegmentField
        label="Bits"
        value={settings.bits}
        options={[
          { id: "w8a8", label: "W8A8" },
          { id: "w6a6", label: "W6A6" },
          { id: "w4a4", label: "W4A4" },
        ]}
        isDisabled={isDisabled}
        testId="experiment-bits"
        onChange={choose("bits")}
      />
      <SegmentField
        label="Sensitivity by"
        value={settings.by}
        options={[
          { id: "linear", label: "linear" },
          { id: "block", label: "block" },
        ]}
        isDisabled={isDisabled}
        testId="experiment-by"
        onChange={choose("by")}
      />
      <SegmentField
        label="Deletion in the search"
        value={settings.rule}
        options={[
          { id: "linf", label: "L∞ (paper)" },
          { id: "any", label: "similarity too" },
        ]}
        isDisabled={isDisabled}
        testId="experiment-rule"
        onChange={choose("rule")}
      />
      <SearchSpaceFields isDisabled={isDisabled} />
      <SegmentField
        label="Search for"
        value={settings.objective}
        options={[
          { id: "mse", label: "least feature error" },
          { id: "accuracy", label: "accuracy" },
        ]}
        isDisabled={isDisabled}
        testId="experiment-objective"
        onChange={choose("objective")}
      />
      <SegmentField
        label="RegCache in Compare"
        value={settings.regcache}
        options={[
          { id: "search", label: "searched" },
          { id: "controls", label: "as the controls" },
        ]}
        isDisabled={isDisabled}
        testId="experiment-regcache"
        onChange={choose("regcache")}
      />
      <NumberInput
        label="Registers in Compare"
        value={settings.compareRegisters}
        min={1}
        max={REGISTER_SLOTS}
        step={1}
        isDisabled={isDisabled}
        testId="experiment-compare-registers"
        onChange={choose("compareRegisters")}
      />
      <NumberInput
        label="Images to choose on"
        value={settings.chooseOn}
        min={1}
        max={MOST_CHOSEN_ON}
        step={1}
        isDisabled={isDisabled}
        testId="experiment-choose-on"
        onChange={choose("chooseOn")}
      />
      <NumberInput
        label="Images to compare on"
        value={settings.measureOn}
        min={1}
        max={MOST_MEASURED_ON}
        step={1}
        isDisabled={isDisabled}
        testId="experiment-measure-on"
        onChange={choose("measureOn")}
      />
    </div>
  );
}
