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
 * asked for or not, because all others are compared with it; each kind appears once, in the order given.
 * @throws InputError when a kind needs a prefix or deletion that is not there
 */
export function buildConfigurations(
  kinds: readonly ConfigurationKind[],
  parts: ConfigurationParts,
): Configuration[] {
  const { weightBits, activationBits } = parts.quantize;
  return [...new Set<ConfigurationKind>(["fp32", ...kinds])].map((kind) => ({
    name: kind.endsWith("fp32") ? kind : `${kind}-w${weightBits}a${activationBits}`,
    intervention: intervene(kind, parts),
  }));
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
