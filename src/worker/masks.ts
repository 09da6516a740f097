import { sha256 } from "hash-wasm";
import type { Engine, EngineInput } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { requireBothParts } from "../image/mask.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import type { MaskPart } from "./api.ts";

/** The three inputs that are compared, in the order in which they run. */
const PARTS: readonly MaskPart[] = ["original", "foreground", "background"];

/**
 * The unmodified encoder on the whole image, on its foreground only and on its background only (paper, Figure 4).
 * @param inside 1 = foreground, [size, size]
 * @throws InputError when the mask has only one part or another size; CancelledError on abort
 */
export async function compareParts(
  engine: Engine,
  input: EngineInput,
  inside: Uint8Array,
  onTrace: (part: MaskPart, trace: LayerTrace) => unknown,
  signal: AbortSignal,
): Promise<void> {
  const side = engine.spec.grid * engine.spec.patch;
  if (inside.length !== side * side) {
    const got = `one of ${inside.length} pixels`;
    throw new InputError(
      "The mask",
      `one of ${side} x ${side} pixels`,
      got,
      "Paint it again for this model.",
    );
  }
  requireBothParts(inside, "The mask");
  const mask = { id: (await sha256(inside)).slice(0, 12), inside };
  // Callbacks travel on a port of their own: waiting for all of them keeps the end from overtaking them.
  const told: unknown[] = [];
  for (const part of PARTS) {
    const intervention = part === "original" ? NO_INTERVENTION : { ...NO_INTERVENTION, mask: part };
    const run = engine.run({ ...input, mask }, intervention, { signal });
    for await (const trace of run) told.push(onTrace(part, trace));
  }
  await Promise.all(told);
}
