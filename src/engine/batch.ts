import type { BlockPlan } from "../intervention/plan.ts";
import { type Chain, lastOf, type ReachedState } from "./chain.ts";
import { type CachedBlock, chainKeys, type HiddenCache } from "./hidden-cache.ts";
import { runBatched, runUnmeasured } from "./run-block.ts";
import { survivors } from "./survivors.ts";
import type { EngineInput, RunOptions } from "./types.ts";

/** States of the images of a batch, in its order. */
type BatchStates = readonly CachedBlock[];

/**
 * Runs images of one batch through all blocks. Up to the first quantized block every image is on its own, and shares its cached
 * states with other runs; from there on its state depends on the whole batch, so the cache knows it by the ids of all images
 * in their order. Quantized blocks run all images at once, FP ones after them one by one. Deletion is per image.
 * @param inputs at least two, as the intervention's mask leaves them, all of which lose equally many tokens
 * @param plan with at least one quantized block
 */
export async function runBatch(
  chain: Chain,
  inputs: readonly EngineInput[],
  plan: readonly BlockPlan[],
  options: RunOptions,
  betweenBlocks?: (() => Promise<void>) | undefined,
): Promise<ReachedState[]> {
  const first = plan.findIndex(({ quantize }) => quantize !== null);
  const ids = inputs.map(({ id }) => id);
  const blockKeys = plan.map(({ key }) => key);
  const keys = inputs.map((_, i) => chainKeys(`batch ${JSON.stringify([ids, i])}`, blockKeys));
  let next = plan.length;
  let states: BatchStates | null = null;
  for (; next > first; next--) {
    states = cachedStates(chain.cache, keys, next);
    if (states) break;
  }
  const computedFrom = inputs.map(() => next);
  if (!states) {
    const reached: CachedBlock[] = [];
    for (const [i, input] of inputs.entries()) {
      const alone = { hasRegister: false, measured: false, end: first };
      const own = await lastOf(chain.states(input, plan, alone, options), betweenBlocks);
      reached.push(own.state);
      computedFrom[i] = own.computedFrom;
    }
    states = reached;
  }
  for (let block = next; block < plan.length; block++) {
    states = await runBlockOfBatch(chain, block, states, plan[block]!, options);
    for (const [i, state] of states.entries()) chain.cache.set(keys[i]![block + 1]!, state);
    await betweenBlocks?.();
  }
  return states.map((state, i) => ({ state, computedFrom: computedFrom[i]! }));
}

/** All states at one place of the chain, or null when one of them is not there. */
function cachedStates(
  cache: HiddenCache,
  keys: readonly (readonly string[])[],
  at: number,
): BatchStates | null {
  const states: CachedBlock[] = [];
  for (const ofImage of keys) {
    const state = cache.get(ofImage[at]!);
    if (!state) return null;
    states.push(state);
  }
  return states;
}

function runBlockOfBatch(
  chain: Chain,
  block: number,
  before: BatchStates,
  plan: BlockPlan,
  options: RunOptions,
): Promise<BatchStates> {
  return chain.exclusive(options, async () => {
    const { sessions } = chain;
    const { spec, norm1 } = sessions;
    const tokens = before.map((state) => survivors(spec, norm1[block]!, state, plan));
    const state = (i: number, x: Float32Array, milliseconds: number): CachedBlock => ({
      ...tokens[i]!,
      x,
      milliseconds: before[i]!.milliseconds + milliseconds,
      trace: null,
    });
    if (plan.quantize) {
      const variant = await sessions.batched(block, plan.quantize, plan);
      const { images, milliseconds } = await runBatched(spec, variant, block, tokens, plan);
      return images.map((x, i) => state(i, x, milliseconds / images.length));
    }
    const variant = await sessions.block(block, plan, false);
    const states: CachedBlock[] = [];
    for (const [i, each] of tokens.entries()) {
      const { x, milliseconds } = await runUnmeasured(spec, variant, block, each, plan);
      states.push(state(i, x, milliseconds));
    }
    return states;
  });
}
