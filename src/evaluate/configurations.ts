import { InputError } from "../errors/input-error.ts";
import {
  type Deletion,
  type Intervention,
  NO_INTERVENTION,
  type Prefix,
  type Quantization,
} from "../intervention/intervention.ts";
import type { Configuration } from "./report.ts";

/** What {@link buildConfigurations} can build; the quantized ones take the bit width into their name. */
export const CONFIGURATION_KINDS = [
  "fp32",
  "naive",
  "prefix",
  "delete",
  "regcache",
  "regcache-fp32",
] as const;
export type ConfigurationKind = (typeof CONFIGURATION_KINDS)[number];

/** The parts that the named configurations are built from. */
export interface ConfigurationParts {
  readonly prefix: Prefix | null;
  readonly delete: Deletion | null;
  readonly quantize: Quantization;
}

/**
 * The paper's ablation (table "prefix only, delete only, both") as named interventions: `fp32`,
 * `naive-w8a8`, `prefix-w8a8`, `delete-w8a8`, `regcache-w8a8`, `regcache-fp32`. FP32 always comes first,
 * asked for or not, because all others are compared with it; each kind appears once, in the order given. With int8
 * arithmetic every quantized kind comes twice, simulated and `naive-int8`, so that neither is taken for the other.
 * @throws InputError when a kind needs a prefix or deletion that is not there
 */
export function buildConfigurations(
  kinds: readonly ConfigurationKind[],
  parts: ConfigurationParts,
): Configuration[] {
  const { quantize } = parts;
  const { arithmetic = "simulated", ...simulated } = quantize;
  return [...new Set<ConfigurationKind>(["fp32", ...kinds])].flatMap((kind) => {
    if (kind.endsWith("fp32")) return [{ name: kind, intervention: intervene(kind, parts) }];
    const variants: Quantization[] = arithmetic === "int8" ? [simulated, quantize] : [quantize];
    return variants.map((variant) => ({
      name: `${kind}-${precisionName(variant)}`,
      intervention: intervene(kind, { ...parts, quantize: variant }),
    }));
  });
}

/** `w8a8` for simulated quantization, `int8` for integer arithmetic. */
export function precisionName({ arithmetic, weightBits, activationBits }: Quantization): string {
  return arithmetic === "int8" ? "int8" : `w${weightBits}a${activationBits}`;
}

function intervene(
  kind: ConfigurationKind,
  { prefix, delete: deletion, quantize }: ConfigurationParts,
): Intervention {
  switch (kind) {
    case "fp32":
      return NO_INTERVENTION;
    case "naive":
      return { ...NO_INTERVENTION, quantize };
    case "prefix":
      return { prefix: need(prefix, kind, "a prefix"), delete: null, quantize };
    case "delete":
      return { prefix: null, delete: need(deletion, kind, "a deletion"), quantize };
    case "regcache":
    case "regcache-fp32":
      need(prefix ?? deletion, kind, "a prefix, a deletion or both");
      return { prefix, delete: deletion, quantize: kind === "regcache" ? quantize : null };
  }
}

function need<T>(value: T | null, kind: ConfigurationKind, what: string): T {
  if (value !== null) return value;
  throw new InputError(
    `Configuration "${kind}"`,
    what,
    "none",
    `Set ${what}, or leave this configuration out.`,
  );
}
