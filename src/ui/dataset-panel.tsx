import { Button } from "react-aria-components";
import { counted } from "../figures/counted.ts";
import { probeName } from "../store/dataset.ts";
import { HubForm } from "./hub-form.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { ProbeField } from "./probe-choice.tsx";
import { SourceButtons } from "./source-buttons.tsx";

/** The labelled images that the accuracy is measured on: bundled, or a folder or zip of class-named folders. */
export function DatasetPanel() {
  const lab = useLab();
  const { request, info, opening } = useLabState((state) => state.dataset);
  const hasModel = useLabState((state) => state.model !== null);
  return (
    <section className="panel" aria-labelledby="dataset-heading" data-testid="dataset">
      <h2 id="dataset-heading">Data set</h2>
      <p className="hint" data-testid="dataset-info">
        {opening ? "Opening." : null}
        {!opening && !request && "Bundled test set of labelled scenes."}
        {!opening &&
          request &&
          info &&
          `${info.name}: ${counted(info.count, "image")} in ${counted(info.classes.length, "class", "classes")}`}
        {!opening && request && !info && "Your images; opened again at the next start."}
      </p>
      <SourceButtons
        testId="dataset"
        isDisabled={!hasModel || opening}
        onChoose={(images) => void lab.openDataset(images)}
      >
        {request && (
          <Button onPress={() => void lab.openBundledDataset()} data-testid="dataset-bundled">
            Bundled set
          </Button>
        )}
      </SourceButtons>
      <HubForm isDisabled={!hasModel || opening} onChoose={(images) => void lab.openDataset(images)} />
      <ProbeField />
      {request && (
        <>
          <h3>Training images of a probe</h3>
          <p className="hint" data-testid="dataset-probe">
            {request.probe
              ? probeName(request.probe)
              : "A fifth of each class is held out, drawn with seed 0, and not evaluated."}{" "}
            Used when the classes are not the encoder's own.
          </p>
          <SourceButtons
            testId="probe"
            isDisabled={!hasModel || opening}
            onChoose={(images) => void lab.setProbe(images)}
          >
            {request.probe && <Button onPress={() => void lab.setProbe(null)}>Hold out</Button>}
          </SourceButtons>
        </>
      )}
      <p className="hint">
        One folder per class, named after it; drop a folder or zip anywhere. Images are read one at a time and
        stay on this machine.
      </p>
    </section>
  );
}
