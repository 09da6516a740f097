import { MAX_REGISTER_COUNT } from "../store/controls.ts";
import { NumberInput, SelectField, SliderField, SwitchField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { PrefixKindField } from "./prefix-kind.tsx";

/** The register prefix: whether, which registers, in which blocks, how many (paper, step 3). */
export function PrefixPanel() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const prefix = useLabState((state) => state.controls?.prefix);
  const registersId = useLabState((state) => state.controls?.registers ?? null);
  const hasRegisters = (model?.registers.length ?? 0) > 0;
  const isOff = !prefix?.on;
  const inPrefix = prefix?.alternative ?? registersId;
  const offered = model?.registers.find(({ id }) => id === inPrefix)?.distinct ?? 1;
  const options = (model?.registers ?? []).filter(({ kind }) => kind === "outliers");
  const change = (part: Partial<NonNullable<typeof prefix>>) =>
    lab.setControls((old) => ({ ...old, prefix: { ...old.prefix, ...part } }));
  return (
    <section className="panel" aria-labelledby="prefix-heading">
      <div className="panel-head">
        <h2 id="prefix-heading">Register prefix</h2>
        <SwitchField
          name="Register prefix"
          label={isOff ? "off" : "on"}
          isOn={!isOff}
          isDisabled={!hasRegisters}
          testId="prefix-switch"
          onChange={(on) => change({ on })}
        />
      </div>
      {model && !hasRegisters && (
        <p className="hint hint-strong" data-testid="no-registers">
          This model has no registers yet. Curate them below from images of your own, or open a registers
          file; then the prefix and deletion by similarity become available.
        </p>
      )}
      <SelectField
        label="Registers"
        value={registersId}
        options={options.map(({ id, label }) => ({ id, label }))}
        testId="registers-select"
        onChange={(registers) =>
          lab.setControls((old) => ({ ...old, registers, prefix: { ...old.prefix, alternative: null } }))
        }
      />
      <PrefixKindField />
      {prefix && model && (
        <>
          <SliderField
            label="Blocks"
            values={[prefix.from, prefix.to]}
            thumbs={["First block with the prefix", "Last block with the prefix"]}
            min={0}
            max={model.spec.blocks - 1}
            isDisabled={isOff}
            testId="prefix-blocks"
            format={([from, to]) => `${from} to ${to}`}
            onChange={([from, to]) => change({ from: from ?? 0, to: to ?? 0 })}
          />
          <div className="slider-number">
            <SliderField
              label="Count τ"
              values={[prefix.count]}
              thumbs={["Register count"]}
              min={0.5}
              max={15}
              step={0.5}
              isDisabled={isOff}
              testId="prefix-count"
              format={() => ""}
              onChange={([count]) => change({ count: count ?? 1 })}
            />
            <NumberInput
              label="Register count"
              hidesLabel
              value={prefix.count}
              min={0.1}
              max={MAX_REGISTER_COUNT}
              step={0.1}
              isDisabled={isOff}
              testId="prefix-count-number"
              onChange={(count) => change({ count })}
            />
          </div>
          {offered > 1 && (
            <NumberInput
              label="Distinct registers"
              value={prefix.distinct}
              min={1}
              max={offered}
              step={1}
              isDisabled={isOff}
              testId="prefix-distinct"
              onChange={(distinct) => change({ distinct })}
            />
          )}
          <p className="hint">τ copies act as one key with + ln τ on its logit, so τ need not be whole.</p>
        </>
      )}
    </section>
  );
}
