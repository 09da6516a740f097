import { BITS } from "../store/controls.ts";
import { SegmentField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

const OPTIONS = BITS.map((id) => ({ id, label: id.toUpperCase() }));

/** Simulated quantization of the intervention lane. */
export function QuantizationPanel() {
  const lab = useLab();
  const bits = useLabState((state) => state.controls?.bits);
  const granularity = useLabState((state) => state.controls?.weightGranularity);
  return (
    <section className="panel" aria-labelledby="quantization-heading">
      <h2 id="quantization-heading">Quantization (simulated)</h2>
      {bits && granularity && (
        <>
          <SegmentField
            label="Bits of weights and activations"
            hidesLabel
            value={bits}
            options={OPTIONS}
            testId="bits"
            onChange={(next) => lab.setControls((old) => ({ ...old, bits: next }))}
          />
          <SegmentField
            label="Weight scales"
            value={granularity}
            options={[
              { id: "per-tensor", label: "per tensor" },
              { id: "per-channel", label: "per channel" },
            ]}
            testId="granularity"
            onChange={(weightGranularity) => lab.setControls((old) => ({ ...old, weightGranularity }))}
          />
        </>
      )}
      <p className="hint">
        Rounding in fp32 of qkv, proj, fc1 and fc2: symmetric min-max, one dynamic scale per activation
        tensor.
      </p>
    </section>
  );
}
