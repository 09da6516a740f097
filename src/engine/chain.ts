import PQueue from "p-queue";
import type { EncoderSpec } from "../encoder/spec.ts";
import { CancelledError, throwIfCancelled } from "../errors/input-error.ts";
import type { BlockPlan } from "../intervention/plan.ts";
import { CALIBRATION_STAGES } from "../quantize/calibrate.ts";
import type { Tokens } from "../regcache/delete.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import { createBreath } from "./breathe.ts";
import { embedTokens } from "./embed-tokens.ts";
import { type CachedBlock, chainKeys, type HiddenCache } from "./hidden-cache.ts";
import { tokenRows } from "./register-row.ts";
import { type BlockResult, runBlock, runUnmeasured } from "./run-block.ts";
import type { BlockVariant, Sessions } from "./sessions.ts";
import type { StatisticsStore } from "./statistics-store.ts";
import { survivors } from "./survivors.ts";
import type { EngineInput, RunOptions } from "./types.ts";

const PRIORITY = { interactive: 1, background: 0 } as const;

/** A state, and the first block that was computed on the way to it. */
export interface ReachedState {
  readonly state: CachedBlock;
  readonly computedFrom: number;
}

/** How far and how an image is run. */
export interface ChainOptions {
  /** Whether there is a test-time register. */
  readonly hasRegister: boolean;
  /** Whether every state must have a trace. */
  readonly measured: boolean;
  /** The block before which it ends. */
  readonly end: number;
}

/** What a head reads off the last state. */
export interface HeadResult extends Pick<RunResult, "feature" | "pooled" | "logits"> {
  readonly milliseconds: number;
}

/** The sessions of an encoder behind a queue with one place, and the cache of what they gave. */
export class Chain {
  /** ORT must never see two runs at once (on WebGPU that hangs the page); blocks of waiting runs interleave. */
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #breathe = createBreath();
  #disposed = false;

  constructor(
    readonly sessions: Sessions,
    readonly cache: HiddenCache,
    /** Whose progress a search of scales is told to. */
    private readonly statistics: StatisticsStore,
  ) {}

  get spec(): EncoderSpec {
    return this.sessions.spec;
  }

  /** The states after the blocks before `end`, cached ones first; returns the last, of the embedding where `end` is 0. */
  async *states(
    input: EngineInput,
    plan: readonly BlockPlan[],
    { hasRegister, measured, end }: ChainOptions,
    options: RunOptions,
  ): AsyncGenerator<CachedBlock, ReachedState> {
    const keys = chainKeys(
      hasRegister ? `${input.id}|test-time register` : input.id,
      plan.slice(0, end).map(({ key }) => key),
    );
    const cached = options.onStates || options.onInputs ? [] : this.#longestCached(keys, measured);
    for (const known of cached.slice(1)) {
      yield { ...known, trace: known.trace && { ...known.trace, milliseconds: 0 } };
    }

    let state = cached.at(-1) ?? (await this.#embed(input, hasRegister, keys[0]!, options));
    const computedFrom = Math.max(0, cached.length - 1);
    for (let block = computedFrom; block < end; block++) {
      state = await this.#block(block, state, plan[block]!, keys[block + 1]!, options, measured);
      yield state;
    }
    return { state, computedFrom };
  }

  /** Reads the feature off the state after the last block. */
  head(state: CachedBlock, options: RunOptions): Promise<HeadResult> {
    return this.exclusive(options, async () => {
      const started = performance.now();
      const { headOutputs, head } = this.sessions;
      const { width } = this.spec;
      const x = { data: tokenRows(state, width), dims: [state.positions.length, width] };
      const { feature, pooled, logits } = await head.run({ x }, headOutputs);
      return {
        feature: feature!.data,
        logits: logits?.data ?? null,
        ...(pooled && { pooled: pooled.data }),
        milliseconds: performance.now() - started,
      };
    });
  }

  /** Runs `work` alone, interactive work before background work, and not at all once it is cancelled. */
  async exclusive<T>(options: RunOptions, work: () => Promise<T>): Promise<T> {
    const guarded = async () => {
      if (options.priority === "background") await this.#breathe();
      throwIfCancelled(options.signal, "The run");
      if (this.#disposed) throw new CancelledError("The run of a model that was closed");
      return work();
    };
    return this.#queue.add(guarded, { priority: PRIORITY[options.priority ?? "interactive"] });
  }

  /** Frees the sessions, once what runs has ended. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#queue.onIdle();
    this.cache.clear();
    await this.sessions.dispose();
  }

  /** Cached states of the embedding and of as many (measured) blocks from the first as there are without a gap. */
  #longestCached(keys: readonly string[], measured: boolean): CachedBlock[] {
    const found: CachedBlock[] = [];
    for (const key of keys) {
      const state = this.cache.get(key);
      if (!state || (measured && found.length > 0 && !state.trace)) break;
      found.push(state);
    }
    return found;
  }

  #embed(input: EngineInput, hasRegister: boolean, key: string, options: RunOptions): Promise<CachedBlock> {
    return this.exclusive(options, async () => {
      const { embed, zeroToken } = this.sessions;
      const state = await embedTokens(this.spec, embed, input, hasRegister ? zeroToken : null);
      this.cache.set(key, state);
      return state;
    });
  }

  #block(
    block: number,
    before: CachedBlock,
    plan: BlockPlan,
    key: string,
    options: RunOptions,
    measured: boolean,
  ): Promise<CachedBlock> {
    return this.exclusive(options, async () => {
      const { spec } = this;
      const tokens = survivors(spec, this.sessions.norm1[block]!, before, plan);
      const onSearch = (done: boolean) =>
        this.statistics.tell(plan.quantize, CALIBRATION_STAGES.scales, block + Number(done), spec.blocks);
      const variant = options.onInputs
        ? await this.sessions.exposed(block, plan)
        : await this.sessions.block(block, plan, measured, onSearch);
      const { x, trace, milliseconds } = measured
        ? await this.#measure(variant, block, tokens, plan, options)
        : await runUnmeasured(spec, variant, block, tokens, plan);
      const state = {
        x,
        positions: tokens.positions,
        deleted: tokens.deleted,
        milliseconds: before.milliseconds + milliseconds,
        trace,
      };
      this.cache.set(key, state);
      return state;
    });
  }

  /** Runs a block with its instruments, and hands out what the run asks for. */
  async #measure(
    variant: BlockVariant,
    block: number,
    tokens: Tokens,
    plan: BlockPlan,
    options: RunOptions,
  ): Promise<BlockResult> {
    const { y, qkv, inputs, trace } = await runBlock(this.spec, variant, block, tokens, plan, {
      qkv: options.onStates !== undefined,
      inputs: options.onInputs !== undefined,
    });
    options.onStates?.({ block, input: tokens.x, output: y, qkv });
    if (inputs) options.onInputs?.(block, inputs);
    return { x: y, trace, milliseconds: trace.milliseconds };
  }
}

/** Runs steps to their end, for what they return. @param between waited for after every step */
export async function lastOf<T>(
  steps: AsyncGenerator<unknown, T>,
  between?: (() => Promise<void>) | undefined,
): Promise<T> {
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
    await between?.();
  }
}
