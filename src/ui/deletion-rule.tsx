import {
  DELETION_CRITERIA,
  type DeletionCriterion,
  defaultCutoff,
  SIMILARITY_CUTOFF,
} from "../intervention/deletion.ts";
import { outlierCriterion } from "../measure/outlier-criteria.ts";
import type { DeletionControls } from "../store/deletion-controls.ts";
import { NumberInput, SegmentField, SelectField, SwitchField } from "./fields.tsx";

const RULES = [
  { id: "linf", label: "L∞" },
  { id: "similarity", label: "similarity" },
  { id: "criterion", label: "threshold" },
] as const;

const TENSORS = [
  { id: "residual", label: "residual" },
  { id: "post-ln", label: "post-LN" },
] as const;

const criterionLabel = (id: DeletionCriterion) =>
  id === "similarity"
    ? `Similarity (ours): cos(x − m, r − m) > ${SIMILARITY_CUTOFF}`
    : outlierCriterion(id).label;

interface RuleProps {
  readonly deletion: DeletionControls;
  readonly hasRegisters: boolean;
  readonly isDisabled: boolean;
  readonly onChange: (part: Partial<DeletionControls>) => void;
}

/** By what rule patches are deleted: the largest, the most similar, or all that meet a named criterion. */
export function DeletionRule({ deletion, hasRegisters, isDisabled, onChange }: RuleProps) {
  const { by, criterion } = deletion;
  const isSimilar = by === "similarity" || (by === "criterion" && criterion === "similarity");
  return (
    <>
      <SegmentField
        label="Chosen by"
        value={by}
        options={RULES.filter(({ id }) => hasRegisters || id !== "similarity")}
        isDisabled={isDisabled}
        testId="delete-by"
        onChange={(next) => onChange({ by: next })}
      />
      {by === "criterion" && (
        <Threshold
          deletion={deletion}
          hasRegisters={hasRegisters}
          isDisabled={isDisabled}
          onChange={onChange}
        />
      )}
      {!isSimilar && (
        <SegmentField
          label="Read from"
          value={deletion.tensor}
          options={TENSORS}
          isDisabled={isDisabled}
          testId="delete-tensor"
          onChange={(tensor) => onChange({ tensor })}
        />
      )}
    </>
  );
}

/** A named criterion, its cutoff where it depends on the encoder, and whether the count bounds it. */
function Threshold({ deletion, hasRegisters, isDisabled, onChange }: RuleProps) {
  const { criterion, above, capped } = deletion;
  const cutoff = defaultCutoff(criterion);
  const isCosine = criterion === "similarity";
  return (
    <>
      <SelectField
        label="All patches with"
        value={criterion}
        options={DELETION_CRITERIA.filter((id) => hasRegisters || id !== "similarity").map((id) => ({
          id,
          label: criterionLabel(id),
        }))}
        isDisabled={isDisabled}
        testId="delete-criterion"
        onChange={(next) => onChange({ criterion: next, above: null })}
      />
      {cutoff !== null && (
        <NumberInput
          label="Cutoff"
          value={above ?? cutoff}
          min={isCosine ? 0.01 : 1}
          max={isCosine ? 0.99 : 1e6}
          step={isCosine ? 0.01 : 1}
          isDisabled={isDisabled}
          testId="delete-above"
          onChange={(value) => onChange({ above: value === cutoff ? null : value })}
        />
      )}
      <SwitchField
        label="at most so many"
        isOn={capped}
        isDisabled={isDisabled}
        testId="delete-capped"
        onChange={(on) => onChange({ capped: on })}
      />
    </>
  );
}
