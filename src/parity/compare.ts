import { relativeDifference } from "../engine/agreement.ts";
import { collect } from "../engine/collect.ts";
import type { Engine } from "../engine/types.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { Reference } from "./reference.ts";

/**
 * Largest difference of each tensor to the reference's, relative to the largest magnitude in it (see
 * `relativeDifference`).
 */
export interface Parity {
  readonly pixels: number;
  /** Before block 0. */
  readonly embedded: number;
  /** After each block. */
  readonly blocks: readonly number[];
  readonly feature: number;
  readonly pooled: number | null;
  readonly logits: number | null;
}

/**
 * Runs pixels through an encoder and compares everything that the reference holds.
 * @param pixels as this program prepared the reference's image, [3, size, size]
 */
export async function compareRun(engine: Engine, { file }: Reference, pixels: Float32Array): Promise<Parity> {
  const states: Float32Array[] = [];
  const { result } = await collect(
    engine.run({ id: "parity", pixels }, NO_INTERVENTION, {
      onStates: ({ block, input, output }) => {
        if (block === 0) states.push(input);
        states.push(output);
      },
    }),
  );
  const to = async (name: string, ours: ArrayLike<number>) => relativeDifference(await file.read(name), ours);
  const optional = async (name: string, ours: Float32Array | null | undefined) =>
    file.tensors.has(name) ? to(name, ours ?? []) : null;
  const blocks: number[] = [];
  for (const [i, state] of states.slice(1).entries()) blocks.push(await to(`block.${i}`, state));
  return {
    pixels: await to("pixels", pixels),
    embedded: await to("embedded", states[0]!),
    blocks,
    feature: await to("feature", result.feature),
    pooled: await optional("pooled", result.pooled),
    logits: await optional("logits", result.logits),
  };
}

/** The largest difference of anything but the pixels. */
export function largestDifference({ embedded, blocks, feature, pooled, logits }: Parity): number {
  return Math.max(embedded, ...blocks, feature, pooled ?? 0, logits ?? 0);
}
