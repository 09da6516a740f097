import { InputError } from "../errors/input-error.ts";
import { type Quantization, quantizationSchema } from "../intervention/intervention.ts";

export interface QuantizerFlags {
  /** Bits of weights and activations; 8 when neither is given. */
  readonly bits?: number;
  /** All of the quantizer, instead of `bits`. */
  readonly quantize?: Quantization;
}

/** Symmetric, dynamic per-tensor quantization at so many bits: the paper's naive quantizer. */
export function atBits(bits: number): Quantization {
  return quantizationSchema.parse({ weightBits: bits, activationBits: bits });
}

/** The quantizer that is asked for. @throws InputError when it is said in two ways */
export function quantizerOf({ bits, quantize }: QuantizerFlags): Quantization {
  requireOneQuantizer(bits, quantize);
  return quantize ?? atBits(bits ?? 8);
}

/** @throws InputError when a quantizer stands beside bits, which it has of its own */
export function requireOneQuantizer(bits: unknown, quantize: Quantization | undefined): void {
  if (bits === undefined || quantize === undefined) return;
  const remedy = "Leave one out: --quantize has bits of its own.";
  throw new InputError("--bits and --quantize", "one of them", "both", remedy);
}
