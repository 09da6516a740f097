import { LINEARS } from "../encoder/weights.ts";
import { BATCH_SIZES, PERCENTILES } from "../intervention/quantization.ts";
import { type Bits, parseBits, type Quantizer } from "../store/quantizer.ts";
import { NumberInput, SegmentField, SelectField, SwitchField } from "./fields.tsx";

type Change = { readonly [K in keyof Quantizer]?: Quantizer[K] | undefined };

interface Props {
  readonly bits: Bits;
  readonly quantizer: Quantizer;
  readonly onBits: (bits: Bits) => void;
  readonly onChange: (change: Change) => void;
}

const BASES = [
  { id: "rtn", label: "round to nearest" },
  { id: "ptq4vit", label: "PTQ4ViT" },
  { id: "repq-vit", label: "RepQ-ViT" },
] as const;

const RANGES = [
  { id: "dynamic", label: "dynamic, per image" },
  { id: "dynamic-batch", label: "dynamic, per batch" },
  { id: "min-max", label: "static min-max" },
  ...PERCENTILES.map((p) => ({ id: String(p), label: `static ${p} %` })),
];

/** The quantizer's further settings. A base and int8 set some of them themselves; those are disabled. */
export function QuantizerFields({ bits, quantizer, onBits, onChange }: Props) {
  const isInteger = quantizer.arithmetic === "int8";
  const hasBase = quantizer.base !== undefined && quantizer.base !== "rtn";
  const { clip, excludeOutliers, range } = quantizer;
  const shown = parseBits(bits === "fp32" ? "w8a8" : bits);
  const setBits = (part: Partial<typeof shown>) => {
    const next = { ...shown, ...part };
    onBits(`w${next.weightBits}a${next.activationBits}`);
  };
  return (
    <div className="quantizer-fields">
      <NumberInput
        label="Weight bits"
        value={shown.weightBits}
        {...{ min: 2, max: 8, step: 1, isDisabled: bits === "fp32" }}
        testId="weight-bits"
        onChange={(weightBits) => setBits({ weightBits })}
      />
      <NumberInput
        label="Activation bits"
        value={shown.activationBits}
        {...{ min: 2, max: 8, step: 1, isDisabled: bits === "fp32" }}
        testId="activation-bits"
        onChange={(activationBits) => setBits({ activationBits })}
      />
      <SelectField
        label="Base"
        value={quantizer.base ?? "rtn"}
        options={BASES}
        isDisabled={isInteger}
        testId="quantizer-base"
        onChange={(base) => onChange({ base: base === "rtn" ? undefined : base })}
      />
      {quantizer.base === "ptq4vit" && (
        <SegmentField
          label="Scales searched by"
          value={quantizer.scaleSearch ?? "output-error"}
          options={[
            { id: "output-error", label: "output error" },
            { id: "hessian", label: "Hessian" },
          ]}
          testId="scale-search"
          onChange={(next) => onChange({ scaleSearch: next === "hessian" ? next : undefined })}
        />
      )}
      <SegmentField
        label="Activation grid"
        value={quantizer.activationScheme ?? "symmetric"}
        options={[
          { id: "symmetric", label: "symmetric" },
          { id: "asymmetric", label: "asymmetric" },
        ]}
        isDisabled={hasBase}
        testId="scheme"
        onChange={(scheme) => onChange({ activationScheme: scheme === "symmetric" ? undefined : scheme })}
      />
      <SegmentField
        label="Activation scales"
        value={quantizer.activationGranularity ?? "per-tensor"}
        options={[
          { id: "per-tensor", label: "per tensor" },
          { id: "per-token", label: "per token" },
        ]}
        isDisabled={isInteger || hasBase}
        testId="activation-granularity"
        onChange={(next) => onChange({ activationGranularity: next === "per-tensor" ? undefined : next })}
      />
      <SelectField
        label="Activation range (static: 32 probe images)"
        value={rangeId(range)}
        options={RANGES}
        isDisabled={hasBase}
        testId="range"
        onChange={(next) => onChange({ range: rangeOf(next) })}
      />
      {range?.kind === "dynamic-batch" && (
        <>
          <NumberInput
            label="Images in a batch"
            value={range.batch}
            {...{ min: BATCH_SIZES.least, max: BATCH_SIZES.most, step: 1 }}
            testId="batch"
            onChange={(batch) => onChange({ range: { ...range, batch } })}
          />
          <p className="hint" data-testid="batch-hint">
            For Live accuracy, which runs {range.batch} images together. The lanes show one image: a batch of
            its own, so its range per image.
          </p>
        </>
      )}
      <SwitchField
        label="Clip to a share of the range"
        isOn={clip !== undefined}
        isDisabled={hasBase}
        testId="clip"
        onChange={(on) => onChange({ clip: on ? { kind: "ratio", ratio: 0.5 } : undefined })}
      />
      {clip && (
        <NumberInput
          label={clip.kind === "ratio" ? "Share of the range" : "Largest magnitude"}
          value={clip.kind === "ratio" ? clip.ratio : clip.limit}
          {...(clip.kind === "ratio"
            ? { min: 0.01, max: 1, step: 0.01 }
            : { min: 0.01, max: 1e6, step: 0.01 })}
          testId="clip-value"
          onChange={(value) =>
            onChange({ clip: clip.kind === "ratio" ? { ...clip, ratio: value } : { ...clip, limit: value } })
          }
        />
      )}
      <SwitchField
        label="Outlier tokens stay FP (a diagnostic)"
        isOn={excludeOutliers !== undefined}
        isDisabled={isInteger || hasBase}
        testId="exclude"
        onChange={(on) => onChange({ excludeOutliers: on ? { kind: "ratio", above: 8 } : undefined })}
      />
      {excludeOutliers && (
        <NumberInput
          label={excludeOutliers.kind === "ratio" ? "Above, times the median L-inf" : "Above, L-inf"}
          value={excludeOutliers.above}
          {...{ min: 1, max: 1e6, step: 1 }}
          testId="exclude-value"
          onChange={(above) => onChange({ excludeOutliers: { ...excludeOutliers, above } })}
        />
      )}
      <SwitchField
        label="SmoothQuant"
        isOn={quantizer.smoothQuant !== undefined}
        isDisabled={hasBase}
        testId="smooth"
        onChange={(on) => onChange({ smoothQuant: on ? { alpha: 0.5 } : undefined })}
      />
      {quantizer.smoothQuant && (
        <NumberInput
          label="alpha"
          value={quantizer.smoothQuant.alpha}
          {...{ min: 0, max: 1, step: 0.05 }}
          testId="smooth-alpha"
          onChange={(alpha) => onChange({ smoothQuant: { alpha } })}
        />
      )}
      <SwitchField
        label="Also the attention matmuls (q, k, v, softmax)"
        isOn={quantizer.attention !== undefined}
        isDisabled={isInteger || quantizer.activationGranularity === "per-token"}
        testId="attention-matmuls"
        onChange={(on) => onChange({ attention: on ? true : undefined })}
      />
      <LinearFields quantizer={quantizer} onChange={onChange} />
    </div>
  );
}

/** Images in a batch until its user says otherwise. */
const BATCH = 8;

function rangeId(range: Quantizer["range"]): string {
  if (range?.kind !== "static") return range?.kind ?? "dynamic";
  return range.statistic === "min-max" ? "min-max" : String(range.percentile);
}

function rangeOf(choice: string): Quantizer["range"] {
  if (choice === "dynamic") return undefined;
  if (choice === "dynamic-batch") return { kind: choice, batch: BATCH };
  if (choice === "min-max") return { kind: "static", statistic: "min-max" };
  const percentile = PERCENTILES.find((p) => String(p) === choice)!;
  return { kind: "static", statistic: "percentile", percentile };
}

/** Which linears are quantized; the last one stays. */
function LinearFields({ quantizer, onChange }: Pick<Props, "quantizer" | "onChange">) {
  const chosen = quantizer.linears ?? LINEARS;
  return (
    <fieldset className="linears">
      <legend>Quantized linears</legend>
      {LINEARS.map((name) => (
        <SwitchField
          key={name}
          label={name}
          isOn={chosen.includes(name)}
          isDisabled={chosen.length === 1 && chosen.includes(name)}
          testId={`linear-${name}`}
          onChange={(on) => {
            const next = LINEARS.filter((each) => (each === name ? on : chosen.includes(each)));
            onChange({ linears: next.length === LINEARS.length ? undefined : next });
          }}
        />
      ))}
    </fieldset>
  );
}
