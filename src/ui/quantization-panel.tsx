import { formatBytes, formatMilliseconds } from "../figures/format.ts";
import { BITS, changeQuantizer, type Quantizer } from "../store/quantizer.ts";
import { CalibrationFields } from "./calibration-fields.tsx";
import { SegmentField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { QuantizerFields } from "./quantizer-fields.tsx";

const OPTIONS = BITS.map((id) => ({ id, label: id.toUpperCase() }));

/** Quantization of the intervention lane: bits, arithmetic, and everything else behind a disclosure. */
export function QuantizationPanel() {
  const lab = useLab();
  const controls = useLabState((state) => state.controls);
  const isWebgpu = useLabState((state) => state.model?.status.backend === "webgpu");
  const isGated = useLabState((state) => state.model?.spec.activation === "swiglu");
  if (!controls) return null;
  const { bits, weightGranularity, quantizer } = controls;
  const isInteger = quantizer.arithmetic === "int8";
  const change = (by: Parameters<typeof changeQuantizer>[1]) =>
    lab.setControls((old) => ({ ...old, ...changeQuantizer(old, by) }));
  return (
    <section className="panel" aria-labelledby="quantization-heading">
      <h2 id="quantization-heading">Quantization ({isInteger ? "int8" : "simulated"})</h2>
      <SegmentField
        label="Bits of weights and activations"
        hidesLabel
        value={bits}
        options={OPTIONS}
        testId="bits"
        onChange={(next) => change({ bits: next })}
      />
      <SegmentField
        label="Arithmetic"
        value={isInteger ? "int8" : "simulated"}
        isDisabled={isWebgpu}
        options={[
          { id: "simulated", label: "simulated" },
          { id: "int8", label: "int8" },
        ]}
        testId="arithmetic"
        onChange={(next) => change({ quantizer: { arithmetic: next === "int8" ? "int8" : undefined } })}
      />
      {isWebgpu && (
        <p className="hint" data-testid="arithmetic-refusal">
          int8 needs a CPU backend: WebGPU has no integer matrix kernels, so ORT would run them on the CPU,
          between copies. Reload with ?backend=wasm for it.
        </p>
      )}
      <SegmentField
        label="Weight scales"
        value={weightGranularity}
        options={[
          { id: "per-tensor", label: "per tensor" },
          { id: "per-channel", label: "per channel" },
        ]}
        testId="granularity"
        onChange={(next) => lab.setControls((old) => ({ ...old, weightGranularity: next }))}
      />
      <details data-testid="quantizer-details">
        <summary>Advanced</summary>
        <QuantizerFields
          bits={bits}
          quantizer={quantizer}
          onBits={(next) => change({ bits: next })}
          onChange={(next) => change({ quantizer: next })}
        />
      </details>
      <p className="hint">{quantizerText(quantizer, isGated)}</p>
      <CalibrationFields />
      <MeasuredCost />
    </section>
  );
}

/** Softmax quantizers of the bases. */
const SOFTMAX = {
  rtn: "",
  ptq4vit: " (softmax: twin uniform grids)",
  "repq-vit": " (softmax: log-sqrt2 grid)",
} as const;

function quantizerText(q: Quantizer, isGated: boolean): string {
  const attention = q.attention ? ` and the attention matmuls${SOFTMAX[q.base ?? "rtn"]}` : "";
  const where = `${(q.linears ?? ["qkv", "proj", "fc1", "fc2"]).join(", ")}${q.blocks ? ` of blocks ${q.blocks.join(", ")}` : ""}${attention}`;
  if (q.arithmetic === "int8") {
    return `ORT's integer kernels for ${where}: u8 activations (${q.activationScheme ?? "symmetric"}), s8 weights, as deployed. Live accuracy shows its simulation beside it.`;
  }
  if (q.base === "ptq4vit") {
    return `PTQ4ViT for ${where}: ${isGated ? "no twin grids, since this encoder has SwiGLU in GELU's place" : "twin uniform grids after GELU"}, scales searched by ${q.scaleSearch === "hessian" ? "output error, weighed with the diagonal of the feature's Gauss-Newton Hessian" : "output error (not guided by a Hessian)"}.`;
  }
  if (q.base === "repq-vit") {
    return `RepQ-ViT for ${where}: LayerNorm outputs calibrated per channel, then reparameterised to one scale; weights per channel.`;
  }
  const scheme = `${q.activationScheme ?? "symmetric"} ${q.range?.kind === "static" && q.range.statistic === "percentile" ? `${q.range.percentile}th percentile` : "min-max"}`;
  const per = q.activationGranularity === "per-token" ? "token" : "activation tensor";
  const batch = q.range?.kind === "dynamic-batch" ? ` of ${q.range.batch} images (the lanes: of one)` : "";
  const scale = `one ${q.range?.kind === "static" ? "static" : "dynamic"} scale per ${per}${batch}`;
  return `Rounding in fp32 of ${where}: ${scheme}, ${scale}.`;
}

/** What the last runs of both lanes took here, and the bytes of their linear weights. */
function MeasuredCost() {
  const baseline = useLabState((state) => state.lanes.baseline.result?.cost);
  const intervention = useLabState((state) => state.lanes.intervention.result?.cost);
  const arithmetic = useLabState((state) => state.controls?.quantizer.arithmetic);
  const bits = useLabState((state) => state.controls?.bits);
  if (!baseline || !intervention || bits === "fp32") return null;
  const text = ({ milliseconds, weightBytes }: typeof baseline) =>
    `${formatMilliseconds(milliseconds)}, ${formatBytes(weightBytes)}`;
  return (
    <p className="hint" data-testid="measured-cost">
      Measured here, one image and the blocks' weights: fp32 {text(baseline)};{" "}
      {arithmetic === "int8" ? "int8" : "simulated (computes in fp32, saves nothing)"} {text(intervention)}.
    </p>
  );
}
