import type { Quantization } from "./quantization.ts";

/**
 * The settings of a quantization beside its bits and weight scales, as key=value pairs: the command line's and the link's
 * grammar. `x` after a number makes it a multiple: of the range for clip, of the tokens' median L-inf for exclude.
 */
export const QUANTIZATION_FORM =
  "arithmetic=simulated|int8, scheme=symmetric|asymmetric, activations=per-tensor|per-token, range=dynamic|dynamic-batch|min-max|99|99.9|99.99|99.999, batch=8 (with dynamic-batch), clip=0.9x|LIMIT, exclude=64x|LIMIT, smooth=0.5, base=rtn|ptq4vit|repq-vit, attention=on|off, search=output-error|hessian, linears=qkv+fc2, blocks=3+4, calibration=ID";

/** The pairs of a quantization, without the defaults. */
export function quantizationPairs(q: Quantization): [key: string, value: string][] {
  const { range, clip, excludeOutliers } = q;
  const entries: [string, string | undefined][] = [
    ["arithmetic", q.arithmetic],
    ["scheme", q.activationScheme],
    ["activations", q.activationGranularity],
    ["range", range && (range.kind === "static" ? staticText(range) : range.kind)],
    ["batch", range?.kind === "dynamic-batch" ? String(range.batch) : undefined],
    ["clip", clip && (clip.kind === "ratio" ? `${clip.ratio}x` : String(clip.limit))],
    ["exclude", excludeOutliers && `${excludeOutliers.above}${excludeOutliers.kind === "ratio" ? "x" : ""}`],
    ["smooth", q.smoothQuant && String(q.smoothQuant.alpha)],
    ["base", q.base],
    ["search", q.scaleSearch],
    ["attention", q.attention ? "on" : undefined],
    ["linears", q.linears?.join("+")],
    ["blocks", q.blocks?.join("+")],
    ["calibration", q.calibration],
  ];
  return entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
}

function staticText(range: Extract<NonNullable<Quantization["range"]>, { kind: "static" }>): string {
  return range.statistic === "min-max" ? "min-max" : String(range.percentile);
}

/**
 * What pairs say, for quantizationSchema to check; what is not understood stays in it, for the schema to refuse.
 * @returns null when a key is unknown
 */
export function quantizationFields(pairs: Readonly<Record<string, string>>): Record<string, unknown> | null {
  const { batch, ...others } = pairs;
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(others)) {
    // Own ones only: every object has a "constructor".
    if (!Object.hasOwn(FIELDS, key)) return null;
    const [name, read] = FIELDS[key]!;
    fields[name] = read(value);
  }
  // A batch belongs to the range: without its kind, or beside another one, the schema refuses it.
  if (batch !== undefined) fields.range = { ...(fields.range as object | undefined), batch: number(batch) };
  return fields;
}

const multiple = (text: string) => (text.endsWith("x") ? number(text.slice(0, -1)) : null);
/** What is not a plain number stays text, which the schema refuses and its message shows. */
const number = (text: string) => (/^-?\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : text);

const FIELDS: Readonly<Record<string, [field: keyof Quantization, read: (text: string) => unknown]>> = {
  arithmetic: ["arithmetic", String],
  scheme: ["activationScheme", String],
  activations: ["activationGranularity", String],
  range: [
    "range",
    (text) => {
      if (text === "dynamic" || text === "dynamic-batch") return { kind: text };
      if (text === "min-max") return { kind: "static", statistic: "min-max" };
      return { kind: "static", statistic: "percentile", percentile: number(text) };
    },
  ],
  clip: [
    "clip",
    (text) => {
      const ratio = multiple(text);
      return ratio === null ? { kind: "absolute", limit: number(text) } : { kind: "ratio", ratio };
    },
  ],
  exclude: [
    "excludeOutliers",
    (text) => {
      const above = multiple(text);
      return above === null ? { kind: "absolute", above: number(text) } : { kind: "ratio", above };
    },
  ],
  smooth: ["smoothQuant", (text) => ({ alpha: number(text) })],
  base: ["base", String],
  search: ["scaleSearch", String],
  attention: ["attention", (text) => (text === "on" ? true : text === "off" ? undefined : text)],
  linears: ["linears", (text) => text.split("+")],
  blocks: ["blocks", (text) => text.split("+").map(number)],
  calibration: ["calibration", String],
};

/** The keys that {@link quantizationFields} knows. */
export const QUANTIZATION_KEYS: readonly string[] = [...Object.keys(FIELDS), "batch"];
