import { SelectField } from "./fields.tsx";
import { InputSize } from "./input-size.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

const NORMALISATIONS = [
  { id: "default", label: "family's default" },
  { id: "half", label: "mean = std = 0.5" },
  { id: "imagenet", label: "ImageNet mean and std" },
] as const;

/** Shape of the encoder, what had to be assumed about it, and a way to assume otherwise. */
export function CheckpointPanel() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const request = useLabState((state) => state.modelRequest);
  if (!model || !request) return null;
  const { spec } = model;
  const hasConfig = request.kind !== "files" || request.files.some(({ name }) => /config\.json$/i.test(name));
  const normalisation =
    request.kind === "bundled" ? "default" : (request.overrides?.normalisation ?? "default");
  return (
    <section className="panel" aria-labelledby="checkpoint-heading">
      <h2 id="checkpoint-heading">Encoder</h2>
      <p className="hint" data-testid="encoder-shape">
        {spec.family}: {spec.blocks} blocks, width {spec.width}, {spec.heads} heads, {spec.grid} × {spec.grid}{" "}
        patches of {spec.patch} px{spec.hasCls ? ", CLS" : ", no CLS"}
        {spec.trainedRegisters > 0 && `, ${spec.trainedRegisters} trained registers`}
      </p>
      {!hasConfig && (
        <SelectField
          label="Normalisation (no config.json)"
          value={normalisation}
          options={NORMALISATIONS}
          testId="normalisation"
          onChange={(id) => void lab.setOverrides({ normalisation: id === "default" ? null : id })}
        />
      )}
      {/* Keyed, so that the field shows the size that was opened. */}
      {request.kind !== "bundled" && <InputSize key={spec.preprocess.size} spec={spec} />}
      {spec.assumptions.length > 0 && (
        <>
          <h3>Assumed, because the checkpoint does not say</h3>
          <ul className="assumptions" data-testid="assumptions">
            {spec.assumptions.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
