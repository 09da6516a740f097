import type { TensorEntry } from "../checkpoint/header.ts";
import { recordReads } from "../checkpoint/record-reads.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { openTextTower, type TextConfigs } from "./open-text.ts";

/** Which tensors a text tower reads. */
export interface TextReads {
  /** The token embedding, of which a list of classes needs a few rows only. */
  readonly tokens: readonly TensorEntry[];
  /** What every list needs, per part in the order of use: positions, block 0, ..., block L-1, head, scale. */
  readonly rest: readonly (readonly TensorEntry[])[];
}

/**
 * Found by letting the layout read a stand-in of zeros, as `planReads` does for the image encoder.
 * @throws InputError when there is no text tower or it is not one that can be built
 */
export async function planTextReads(weights: Safetensors, configs: TextConfigs): Promise<TextReads> {
  const { view, record } = recordReads(weights);
  const { spec, weights: tower } = openTextTower(view, configs);
  const rest = [await record(() => tower.positions())];
  for (let block = 0; block < spec.blocks; block++) rest.push(await record(() => tower.block(block)));
  rest.push(await record(() => tower.head()), await record(() => tower.scale()));
  return { tokens: await record(() => tower.tokens([0])), rest };
}
