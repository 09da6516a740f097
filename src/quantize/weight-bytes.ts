import { type EncoderSpec, fc1Width } from "../encoder/spec.ts";
import type { LinearName } from "../encoder/weights.ts";
import type { Quantization } from "../intervention/quantization.ts";
import { quantizedLinears } from "./block-quantizer.ts";

const FP32_BYTES = 4;

/**
 * Bytes of the weights of all blocks' qkv, proj, fc1 and fc2, as they are held while the encoder runs: one a weight and four a
 * scale where the arithmetic is int8, four a weight elsewhere. Simulated quantization saves nothing: it computes in fp32.
 */
export function weightBytes(spec: EncoderSpec, quantize: Quantization | null): number {
  const { blocks, width, mlpWidth } = spec;
  const shapes: Record<LinearName, [out: number, columns: number]> = {
    qkv: [3 * width, width],
    proj: [width, width],
    fc1: [fc1Width(spec), width],
    fc2: [width, mlpWidth],
  };
  const integers: readonly LinearName[] = quantize?.arithmetic === "int8" ? quantizedLinears(quantize) : [];
  let bytes = 0;
  for (let block = 0; block < blocks; block++) {
    for (const [name, [out, columns]] of Object.entries(shapes) as [LinearName, [number, number]][]) {
      const isInteger = integers.includes(name) && (quantize?.blocks?.includes(block) ?? true);
      const scales = quantize?.weightGranularity === "per-channel" ? out : 1;
      bytes += isInteger ? out * columns + FP32_BYTES * scales : FP32_BYTES * out * columns;
    }
  }
  return bytes;
}
