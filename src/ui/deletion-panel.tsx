import { NumberInput, SegmentField, SliderField, SwitchField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

const RULES = [
  { id: "linf", label: "L∞ (paper)" },
  { id: "similarity", label: "similarity (ours)" },
] as const;

/** Token deletion at a block's input (paper, step 4; similarity is our own rule). */
export function DeletionPanel() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const deletion = useLabState((state) => state.controls?.deletion);
  const hasRegisters = useLabState((state) => (state.controls?.registers ?? null) !== null);
  const isOff = !deletion?.on;
  const patches = model ? model.spec.grid ** 2 : 1;
  const change = (part: Partial<NonNullable<typeof deletion>>) =>
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
          <div className="slider-number">
            <SliderField
              label="Patches per image"
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
          <SegmentField
            label="Chosen by"
            value={deletion.by}
            options={RULES}
            isDisabled={isOff || !hasRegisters}
            testId="delete-by"
            onChange={(by) => change({ by })}
          />
          <p className="hint">
            {deletion.by === "linf"
              ? "The paper's rule: the largest residual L∞ at that block's input. CLS is never deleted."
              : "Our own rule, not the paper's: cosine to the registers' direction, cos(x − m, r − m). CLS is never deleted."}
          </p>
        </>
      )}
    </section>
  );
}
