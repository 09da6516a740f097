import type { DeletionControls } from "../store/deletion-controls.ts";
import { DeletionRule } from "./deletion-rule.tsx";
import { NumberInput, SliderField, SwitchField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

/** Token deletion at a block's input (paper, step 4; similarity is our own rule). */
export function DeletionPanel() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const deletion = useLabState((state) => state.controls?.deletion);
  const hasRegisters = useLabState((state) => (state.controls?.registers ?? null) !== null);
  const isOff = !deletion?.on;
  const patches = model ? model.spec.grid ** 2 : 1;
  const change = (part: Partial<DeletionControls>) =>
    lab.setControls((old) => ({ ...old, deletion: { ...old.deletion, ...part } }));
  return (
    <section className="panel" aria-labelledby="deletion-heading">
      <div className="panel-head">
        <h2 id="deletion-heading">Token deletion</h2>
        <SwitchField
          name="Token deletion"
          label={isOff ? "off" : "on"}
          isOn={!isOff}
          isDisabled={!model}
          testId="delete-switch"
          onChange={(on) => change({ on })}
        />
      </div>
      {deletion && model && (
        <>
          <SliderField
            label="At the input of block"
            values={[deletion.block]}
            thumbs={["Block of the deletion"]}
            min={0}
            max={model.spec.blocks - 1}
            isDisabled={isOff}
            testId="delete-block"
            onChange={([block]) => change({ block: block ?? 0 })}
          />
          {(deletion.by !== "criterion" || deletion.capped) && (
            <div className="slider-number">
              <SliderField
                label={deletion.by === "criterion" ? "Most patches per image" : "Patches per image"}
                values={[deletion.count]}
                thumbs={["Deleted patches"]}
                min={1}
                max={Math.min(patches - 1, 24)}
                isDisabled={isOff}
                testId="delete-count"
                format={() => ""}
                onChange={([count]) => change({ count: count ?? 1 })}
              />
              <NumberInput
                label="Deleted patches"
                hidesLabel
                value={deletion.count}
                min={1}
                max={patches - 1}
                step={1}
                isDisabled={isOff}
                testId="delete-count-number"
                onChange={(count) => change({ count })}
              />
            </div>
          )}
          <DeletionRule
            deletion={deletion}
            hasRegisters={hasRegisters}
            isDisabled={isOff}
            onChange={change}
          />
          <p className="hint">{HINTS[deletion.by]} CLS is never deleted.</p>
          {!isOff && <DeletedCount patches={patches} />}
        </>
      )}
    </section>
  );
}

const HINTS: Readonly<Record<DeletionControls["by"], string>> = {
  linf: "The paper's rule: the largest L∞ at that block's input. The paper does not say from which tensor.",
  similarity:
    "Our own rule, not the paper's: cosine to the registers' direction, cos(x − m, r − m), in the residual stream.",
  criterion:
    "As many as there are in each image, by a criterion that others have named; at least one patch survives.",
};

/** What the last run of the intervention deleted. */
function DeletedCount({ patches }: { readonly patches: number }) {
  const deleted = useLabState(({ lanes: { intervention } }) =>
    intervention.state === "done" ? (intervention.result?.deleted.length ?? null) : null,
  );
  return (
    <p className="hint" data-testid="delete-result">
      {deleted === null ? "Running." : `In this image: ${deleted} of ${patches} patches deleted.`}
    </p>
  );
}
