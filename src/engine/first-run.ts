import type { EncoderSpec } from "../encoder/spec.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { planIntervention } from "../intervention/plan.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import { embedTokens } from "./embed-tokens.ts";
import { type CachedBlock, chainKeys, type HiddenCache } from "./hidden-cache.ts";
import { runBlock } from "./run-block.ts";
import type { BuiltPart } from "./sessions.ts";
import type { EngineInput } from "./types.ts";

/** An image that runs through an encoder while it is being built. */
export interface FirstRun {
  readonly input: EngineInput;
  readonly onTrace: (trace: LayerTrace) => void;
}

/**
 * Runs the unmodified encoder part by part as its sessions are built, and keeps the states as {@link Engine.run} would: the
 * same image then costs only the head. A part that fails ends it silently, since the run of the whole encoder says the same.
 * @returns to be called with every built part, in order, and waited for before the next is built: ORT never does two things
 *   at once
 */
export function createFirstRun(
  spec: EncoderSpec,
  cache: HiddenCache,
  { input, onTrace }: FirstRun,
): (part: BuiltPart) => Promise<void> {
  const plan = planIntervention(spec, NO_INTERVENTION, new Map(), null);
  const keys = chainKeys(
    input.id,
    plan.map(({ key }) => key),
  );
  let state: CachedBlock | null = null;

  async function block(
    index: number,
    { session, slots }: BuiltPart,
    before: CachedBlock,
  ): Promise<CachedBlock> {
    const variant = { session, instruments: true, grids: {}, slots };
    const wants = { qkv: false, inputs: false };
    const { y, trace } = await runBlock(spec, variant, index, before, plan[index]!, wants);
    onTrace(trace);
    return { ...before, x: y, milliseconds: before.milliseconds + trace.milliseconds, trace };
  }

  return async (part) => {
    const { index } = part;
    try {
      if (index === "embed") state = await embedTokens(spec, part.session, input, null);
      else if (state) state = await block(index, part, state);
      if (state) cache.set(keys[index === "embed" ? 0 : index + 1]!, state);
    } catch {
      state = null;
    }
  };
}
