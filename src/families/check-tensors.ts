import { DTYPE_BITS, READABLE_DTYPES } from "../checkpoint/dtypes.ts";
import { quote } from "../checkpoint/header.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";

/**
 * Holds every tensor of a file against the names and shapes that its encoder must have.
 * @param expected name -> shape of the image encoder's tensors
 * @param isOther whether a tensor outside `expected` is known and belongs to something else (a text tower, a
 *   pooler that the feature does not use); any other one means that the file holds more than this program computes
 * @throws InputError naming missing, unknown and misshapen tensors
 */
export function checkTensors(
  weights: Safetensors,
  expected: ReadonlyMap<string, readonly number[]>,
  isOther: (name: string) => boolean,
  remedy: string,
): void {
  const missing = [...expected.keys()].filter((name) => !weights.tensors.has(name));
  if (missing.length > 0) {
    throw new InputError(weights.name, `${expected.size} tensors`, `a file without ${few(missing)}`, remedy);
  }
  const unknown = [...weights.tensors.keys()].filter((name) => !expected.has(name) && !isOther(name));
  if (unknown.length > 0) {
    const only = `only the ${expected.size} tensors of a plain vision transformer of this size`;
    throw new InputError(weights.name, only, `also ${few(unknown)}`, remedy);
  }
  for (const [name, shape] of expected) {
    const entry = weights.tensors.get(name)!;
    const subject = `${weights.name}, tensor ${name}`;
    if (entry.shape.join() !== shape.join()) {
      const got = `[${entry.shape.join(", ")}]`;
      throw new InputError(subject, `shape [${shape.join(", ")}]`, got, remedy);
    }
    if (!READABLE_DTYPES.some((readable) => readable === entry.dtype)) {
      const got = `${entry.dtype} (${DTYPE_BITS.get(entry.dtype)} bits)`;
      const half = "Export the model in single or half precision.";
      throw new InputError(subject, READABLE_DTYPES.join(", "), got, half);
    }
  }
}

/** The first names of a list, for a message. */
export function few(names: readonly string[]): string {
  const shown = names.slice(0, 4).map(quote).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more (${names.length} in all)` : shown;
}
