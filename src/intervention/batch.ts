import { InputError } from "../errors/input-error.ts";
import type { Intervention, Quantization } from "./intervention.ts";

/**
 * Ranges per batch: so many images go through the quantized blocks together, and every per-tensor activation range is that over
 * all tokens of all of them. What one image becomes then depends on the others of its batch.
 */

/** Images that run together under a quantization; 1 = every image by itself. */
export function batchOf(quantize: Quantization | null | undefined): number {
  return quantize?.range?.kind === "dynamic-batch" ? quantize.range.batch : 1;
}

/** A quantization with ranges per image in place of ranges per batch: what it is on one image, a batch of its own. */
export function rangesPerImage(quantize: Quantization): Quantization {
  if (batchOf(quantize) === 1) return quantize;
  const { range: _, ...rest } = quantize;
  return rest;
}

/**
 * @param where what the quantization is wanted for, which runs images one by one
 * @throws InputError for ranges per batch
 */
export function requireRangesPerImage(quantize: Quantization | null | undefined, where: string): void {
  if (batchOf(quantize) === 1) return;
  throw new InputError(
    where,
    "ranges of one image, since it runs images one by one",
    `range=dynamic-batch, batch=${batchOf(quantize)}`,
    "Use range=dynamic there; eval and ablate measure with ranges per batch.",
  );
}

/**
 * @param images that are to run together
 * @throws InputError when they are more than a batch, or the intervention makes them differ in their number of tokens
 */
export function requireBatchable(
  { delete: deletion, quantize, testTimeRegister }: Intervention,
  images = 1,
): void {
  const most = batchOf(quantize);
  if (most === 1) return;
  if (images > most) {
    throw new InputError("A batch", `up to ${most} images`, String(images), "Run them in several batches.");
  }
  const got =
    deletion?.by === "criterion"
      ? `deletion by criterion (${deletion.criterion}), which takes another number from each`
      : testTimeRegister && "a test-time register, a row more that belongs to one image";
  if (!got) return;
  throw new InputError(
    "Ranges per batch",
    "images that keep the same number of tokens, and nothing beside those",
    got,
    "Delete by count, leave the register out, or use range=dynamic.",
  );
}
