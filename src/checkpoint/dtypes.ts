import { getFloat16 } from "@petamoriken/float16";

/** Bits per element of every dtype that the safetensors format knows (safetensors 0.6, `tensor.rs`). */
export const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8],
  ["I8", 8],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E8M0", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["I32", 32],
  ["U32", 32],
  ["F32", 32],
  ["C64", 64],
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
]);

/** The dtypes that can be read as weights. */
export const READABLE_DTYPES = ["F32", "F16", "BF16"] as const;

let halves: Float32Array | undefined;

/** Value of each of the 65,536 half-precision bit patterns; the library's own arrays are proxies, far slower. */
function halfTable(): Float32Array {
  if (halves) return halves;
  const table = new Float32Array(1 << 16);
  const view = new DataView(new ArrayBuffer(2));
  for (let bits = 0; bits < table.length; bits++) {
    view.setUint16(0, bits);
    table[bits] = getFloat16(view, 0);
  }
  halves = table;
  return table;
}

/**
 * Little-endian elements -> fp32, exactly (all three dtypes are subsets of fp32).
 * @param bytes whole elements in a buffer of their own; F32 becomes a view of it, not a copy, when it is aligned.
 * @returns [elements], or null when the dtype is none of {@link READABLE_DTYPES}.
 */
export function toFloat32(bytes: Uint8Array, dtype: string): Float32Array | null {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (dtype === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  if (dtype !== "F16" && dtype !== "BF16") return null;
  const raw = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
  const out = new Float32Array(raw.length);
  if (dtype === "F16") {
    const table = halfTable();
    for (let i = 0; i < raw.length; i++) out[i] = table[raw[i]!]!;
  } else {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < raw.length; i++) bits[i] = raw[i]! << 16;
  }
  return out;
}

/** Index of the first NaN or infinity, or -1. */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    // x - x is 0 for every finite number and NaN for the others.
    if (x - x !== 0) return i;
  }
  return -1;
}
