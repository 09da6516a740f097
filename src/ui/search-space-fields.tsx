import { DELETION_CRITERIA, MOST_DELETED } from "../intervention/deletion.ts";
import type { ExperimentSettings } from "../store/experiments.ts";
import { NumberInput, SelectField, SwitchField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

const SWITCHES = [
  { key: "anyLast", label: "last block", testId: "search-last" },
  { key: "severalRegisters", label: "1, 2 or 4 registers", testId: "search-registers" },
  { key: "postLn", label: "post-LN too", testId: "search-post-ln" },
] as const;

const CRITERIA = [
  { id: "none", label: "none" },
  { id: "all", label: "all of these" },
  ...DELETION_CRITERIA.map((id) => ({ id, label: id })),
] as const satisfies readonly { id: ExperimentSettings["criteria"]; label: string }[];

/** What a search may range over beside the paper's axes; each is off at first, since each makes it longer. */
export function SearchSpaceFields({ isDisabled }: { readonly isDisabled: boolean }) {
  const lab = useLab();
  const settings = useLabState((state) => state.experiments.settings);
  return (
    <fieldset className="search-space">
      <legend>Search also over</legend>
      {SWITCHES.map(({ key, label, testId }) => (
        <SwitchField
          key={key}
          label={label}
          isOn={settings[key]}
          isDisabled={isDisabled}
          testId={testId}
          onChange={(on) => lab.setExperiments({ [key]: on })}
        />
      ))}
      <SelectField
        label="Deletion by cutoff"
        value={settings.criteria}
        options={CRITERIA}
        isDisabled={isDisabled}
        testId="search-criteria"
        onChange={(criteria) => lab.setExperiments({ criteria })}
      />
      {settings.criteria !== "none" && (
        <>
          <SwitchField
            label="bounded too"
            name="Cutoffs that delete at most so many, too"
            isOn={settings.capped}
            isDisabled={isDisabled}
            testId="search-capped"
            onChange={(capped) => lab.setExperiments({ capped })}
          />
          {settings.capped && (
            <NumberInput
              label="At most"
              value={settings.atMost}
              min={1}
              max={MOST_DELETED}
              step={1}
              isDisabled={isDisabled}
              testId="search-at-most"
              onChange={(atMost) => lab.setExperiments({ atMost })}
            />
          )}
        </>
      )}
    </fieldset>
  );
}
