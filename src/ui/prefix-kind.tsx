import { Button } from "react-aria-components";
import { alternativesTo, PREFIX_KINDS } from "../store/prefix-choice.ts";
import { SegmentField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { saveFile } from "./save-file.ts";

/** What the paper's controls have in place of the mean outlier token. */
const CONTENTS = {
  "random-sink": "One random ordinary patch token's own keys and values",
  "mean-token": "The mean keys and values of all patch tokens",
} as const;

/** Whether the prefix has the method's registers or, as a control, one of the tokens that the paper compares them with. */
export function PrefixKindField() {
  const lab = useLab();
  const known = useLabState((state) => state.model?.registers);
  const registersId = useLabState((state) => state.controls?.registers ?? null);
  const alternativeId = useLabState((state) => state.controls?.prefix.alternative ?? null);
  if (!known || known.length === 0) return null;
  const of = (id: string | null) => known.find((each) => each.id === id) ?? null;
  const [registers, alternative] = [of(registersId), of(alternativeId)];
  const alternatives = alternativesTo({ registers, alternative }, known);
  if (alternatives.length === 0) {
    return (
      <p className="hint" data-testid="prefix-kind-hint">
        Curating registers gives the paper's controls, too: a random token or the mean token in their place.
      </p>
    );
  }
  const choose = (chosen: string | null) =>
    lab.setControls((old) => ({ ...old, prefix: { ...old.prefix, alternative: chosen } }));

  async function save() {
    const file = await lab.saveRegisters("stand-in");
    if (file) saveFile(file.name, file.bytes);
  }

  return (
    <>
      <SegmentField
        label="Token in the prefix"
        value={alternativeId ?? "registers"}
        options={[
          ...(registers ? [{ id: "registers", label: PREFIX_KINDS.outliers }] : []),
          ...alternatives.map(({ id, kind }) => ({ id, label: `${PREFIX_KINDS[kind]} (control)` })),
        ]}
        testId="prefix-kind"
        onChange={(id) => choose(id === "registers" ? null : id)}
      />
      {alternative && alternative.kind !== "outliers" && (
        <>
          <p className="hint hint-strong" data-testid="prefix-kind-hint">
            {CONTENTS[alternative.kind]} in place of the registers: what the paper compares its method with,
            not the method. In the prefix now: {alternative.label}.
          </p>
          <Button onPress={() => void save()}>Save the {PREFIX_KINDS[alternative.kind]}</Button>
        </>
      )}
    </>
  );
}
