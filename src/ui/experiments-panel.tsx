import { Fragment, useRef } from "react";
import { Button } from "react-aria-components";
import { formatCount } from "../figures/format.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { quantizationOf } from "../store/controls.ts";
import { quantizerText } from "../store/experiment-request.ts";
import type { ExperimentSettings } from "../store/experiments.ts";
import { MOST_CHOSEN_ON, MOST_MEASURED_ON } from "../store/kept-experiments.ts";
import type { ExperimentOffer } from "../store/saved-searches.ts";
import { EXPERIMENT_NAMES, EXPERIMENTS, type ExperimentKind } from "../worker/experiment-api.ts";
import { ComparisonResult } from "./comparison-result.tsx";
import { NumberInput, SegmentField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { WorkProgress } from "./progress.tsx";
import { SearchResult } from "./search-result.tsx";
import { SearchSpaceFields } from "./search-space-fields.tsx";
import { SensitivityResult } from "./sensitivity-result.tsx";
import { TakingPlace } from "./taking-place.tsx";

const LABELS: Readonly<Record<ExperimentKind, string>> = {
  sensitivity: "Sensitivity",
  search: "Search",
  compare: "Compare",
};

/** The paper's experiments on the loaded encoder and the chosen data set: sensitivity, search, comparisons. */
export function ExperimentsPanel() {
  const lab = useLab();
  const hasModel = useLabState((state) => state.model !== null);
  const { running, stopping, progress, records } = useLabState((state) => state.experiments);
  const hadFocus = useRef(false);
  const latest = useRef<ExperimentKind>("sensitivity");
  if (running) latest.current = running;
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
        <TakingPlace key="work" hadFocus={hadFocus} focus="button">
          <WorkProgress
            progress={progress}
            cancelLabel="Stop"
            endingLabel={stopping ? "Stopping…" : undefined}
            onCancel={() => void lab.stopExperiment()}
          />
        </TakingPlace>
      ) : (
        <TakingPlace key="start" hadFocus={hadFocus} focus={`[data-testid="run-${latest.current}"]`}>
          <StartButtons />
        </TakingPlace>
      )}
      <p className="hint">
        Settings are chosen on the data set's probe images, never on those that a comparison is measured on.
        Labels are read by the head that live accuracy uses. Sensitivity: one linear or block is quantized,
        the rest stays FP32 (paper, step 1). Search: prefix and deletion around the most sensitive block (step
        5).
      </p>
      {EXPERIMENTS.map((kind) => {
        const record = records[kind];
        const Result = RESULTS[kind];
        return (
          record && (
            <Fragment key={kind}>
              <Result record={record} />
              <p className="hint" data-testid={`quantizer-${kind}`}>
                Quantizer of this {EXPERIMENT_NAMES[kind]}: {quantizerText(record.request)}
              </p>
            </Fragment>
          )
        );
      })}
    </section>
  );
}

const RESULTS = { sensitivity: SensitivityResult, search: SearchResult, compare: ComparisonResult } as const;

function StartButtons() {
  const lab = useLab();
  const offers = useLabState((state) => state.experiments.offers);
  return (
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
      {EXPERIMENTS.map((kind) => {
        const offer = offers[kind];
        return (
          offer && (
            <Button
              key={kind}
              data-testid={`${kind}-continue`}
              onPress={() => void lab.continueExperiment(kind)}
            >
              Continue the {EXPERIMENT_NAMES[kind]} at {formatCount(offer.done)} {unitOf(kind, offer)}
            </Button>
          )
        );
      })}
    </div>
  );
}

/** What is counted of an interrupted experiment. */
function unitOf(kind: ExperimentKind, { stage, done }: ExperimentOffer): string {
  if (stage === "search") return done === 1 ? "evaluation" : "evaluations";
  const images = done === 1 ? "image" : "images";
  if (stage === "evaluation") return `measured ${images}`;
  return kind === "sensitivity" ? images : `${images} of its sensitivity sweep`;
}

function ExperimentControls({ isDisabled }: { readonly isDisabled: boolean }) {
  const lab = useLab();
  const settings = useLabState((state) => state.experiments.settings);
  const choose =
    <K extends keyof ExperimentSettings>(key: K) =>
    (value: ExperimentSettings[K]) =>
      lab.setExperiments({ [key]: value });
  const takesControls = settings.quantizer === "controls";
  return (
    <div className="accuracy-controls">
      <SegmentField
        label="Quantizer"
        value={settings.quantizer}
        options={[
          { id: "plain", label: "plain" },
          { id: "controls", label: "as the controls" },
        ]}
        isDisabled={isDisabled}
        testId="experiment-quantizer"
        onChange={choose("quantizer")}
      >
        {takesControls && <ControlsQuantizer />}
      </SegmentField>
      <SegmentField
        label="Bits of the plain quantizer"
        value={settings.bits}
        options={[
          { id: "w8a8", label: "W8A8" },
          { id: "w6a6", label: "W6A6" },
          { id: "w4a4", label: "W4A4" },
        ]}
        isDisabled={isDisabled || takesControls}
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

/** Says what "as the controls" means now. */
function ControlsQuantizer() {
  const controls = useLabState((state) => state.controls);
  return (
    <small className="muted" data-testid="experiment-quantizer-now">
      {controls && quantizerText({ quantizer: "controls", quantize: quantizationOf(controls) })}
    </small>
  );
}
