import type { ProbeChoice } from "../evaluate/fit-probe.ts";
import { NEIGHBOURS } from "../evaluate/knn.ts";
import { NumberInput, SelectField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

const KINDS = [
  { id: "ncm", label: "nearest class mean" },
  { id: "ridge", label: "ridge, lambda by leave-one-out" },
  { id: "knn", label: "k nearest neighbours" },
] as const satisfies readonly { id: ProbeChoice["kind"]; label: string }[];

/** Which head is fitted where the classes are neither the encoder's own nor embedded. */
export function ProbeField() {
  const lab = useLab();
  const probe = useLabState((state) => state.accuracy.probe);
  return (
    <>
      <SelectField
        label="Head where the encoder has none for the classes"
        value={probe.kind}
        options={KINDS}
        testId="probe-kind"
        onChange={(kind) => lab.setAccuracy({ probe: { kind } })}
      />
      {probe.kind === "knn" && (
        <NumberInput
          label="Neighbours, k"
          value={probe.neighbours ?? NEIGHBOURS}
          min={1}
          max={1000}
          step={1}
          testId="probe-neighbours"
          onChange={(neighbours) => lab.setAccuracy({ probe: { kind: "knn", neighbours } })}
        />
      )}
    </>
  );
}
