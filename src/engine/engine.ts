import PQueue from "p-queue";
import type { EncoderSpec } from "../encoder/spec.ts";
import { type EncoderWeights, LINEARS, type LinearName } from "../encoder/weights.ts";
import { CancelledError, InputError, throwIfCancelled } from "../errors/input-error.ts";
import { linearGradient } from "../graph/block-gradient.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { type BlockPlan, planIntervention, requireConsistent } from "../intervention/plan.ts";
import { CALIBRATION_STAGES, type CalibrationImages } from "../quantize/calibrate.ts";
import { weightBytes } from "../quantize/weight-bytes.ts";
import { deleteTokens, type Tokens } from "../regcache/delete.ts";
import type { Registers } from "../regcache/registers.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import {
  type ForwardStates,
  GRADIENT_OUTPUTS,
  headGradient,
  type LinearGradients,
  scatterRows,
} from "./backward.ts";
import { embedTokens } from "./embed-tokens.ts";
import { createFirstRun, type FirstRun } from "./first-run.ts";
import { type CachedBlock, chainKeys, createHiddenCache, type HiddenCache } from "./hidden-cache.ts";
import { maskedInput } from "./masked-input.ts";
import { changeTokens, tokenRows } from "./register-row.ts";
import { type BlockResult, gradientFeeds, runBlock, runUnmeasured } from "./run-block.ts";
import type { Runtime } from "./runtime.ts";
import { type BlockVariant, Sessions, type SessionsOptions } from "./sessions.ts";
import { StatisticsStore } from "./statistics-store.ts";
import type { Engine, EngineInput, ResultOptions, RunOptions } from "./types.ts";

export interface EngineOptions extends SessionsOptions {
  /** Bound for cached hidden states, bytes. */
  readonly cacheBytes?: number;
  /** An image to run while the encoder is built; of no use without instruments. */
  readonly first?: FirstRun | null | undefined;
}

const DEFAULT_CACHE_BYTES = 96 * 1024 * 1024;
const PRIORITY = { interactive: 1, background: 0 } as const;

/**
 * Loads an encoder into a runtime.
 * @throws InputError from reading the weights; CancelledError on abort. Nothing is left behind then.
 */
export async function createEngine(
  encoder: { readonly spec: EncoderSpec; readonly weights: EncoderWeights },
  runtime: Runtime,
  options: EngineOptions = {},
): Promise<Engine> {
  const { first, ...building } = options;
  const cache = createHiddenCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
  const onPart =
    first && options.instruments !== false ? createFirstRun(encoder.spec, cache, first) : undefined;
  const sessions = await Sessions.create(encoder.spec, encoder.weights, runtime, { ...building, onPart });
  return new ChainEngine(sessions, cache);
}

/** The chain embed -> block 0 -> ... -> block L-1 -> head, run one session at a time. */
class ChainEngine implements Engine {
  readonly registers = new Map<string, Registers>();
  readonly #statistics = new StatisticsStore();
  /** ORT must never see two runs at once (on WebGPU that hangs the page); blocks of waiting runs interleave. */
  readonly #queue = new PQueue({ concurrency: 1 });
  #disposed = false;

  constructor(
    private readonly sessions: Sessions,
    private readonly cache: HiddenCache,
  ) {}

  get spec(): EncoderSpec {
    return this.sessions.spec;
  }

  addRegisters(registers: Registers): void {
    this.registers.set(registers.id, registers);
  }

  addCalibration(set: CalibrationImages): void {
    this.#statistics.add(set);
  }

  async *run(
    input: EngineInput,
    intervention: Intervention,
    options: RunOptions = {},
  ): AsyncGenerator<LayerTrace, RunResult> {
    const steps = this.#steps(input, intervention, options, true);
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value;
      // Of the states, only the embedding has no trace.
      yield value.trace!;
    }
  }

  async result(
    input: EngineInput,
    intervention: Intervention,
    { betweenBlocks, ...options }: ResultOptions = {},
  ): Promise<RunResult> {
    const steps = this.#steps(input, intervention, options, false);
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value;
      await betweenBlocks?.();
    }
  }

  /** The state after every block, cached ones first. @param measured whether every one must have a trace */
  async *#steps(
    input: EngineInput,
    intervention: Intervention,
    options: RunOptions,
    measured: boolean,
  ): AsyncGenerator<CachedBlock, RunResult> {
    const started = performance.now();
    requireConsistent(intervention.quantize);
    const statistics = await this.#statistics.for(this, intervention, options);
    const plan = planIntervention(this.spec, intervention, this.registers, statistics);
    const seen = maskedInput(input, intervention.mask);
    const hasRegister = intervention.testTimeRegister !== undefined;
    const keys = chainKeys(
      hasRegister ? `${seen.id}|test-time register` : seen.id,
      plan.map(({ key }) => key),
    );
    const cached = options.onStates || options.onInputs ? [] : this.#longestCached(keys, measured);
    for (const known of cached.slice(1)) {
      yield { ...known, trace: known.trace && { ...known.trace, milliseconds: 0 } };
    }

    let state = cached.at(-1) ?? (await this.#embed(seen, hasRegister, keys[0]!, options));
    const computedFrom = Math.max(0, cached.length - 1);
    for (let block = computedFrom; block < this.spec.blocks; block++) {
      state = await this.#block(block, state, plan[block]!, keys[block + 1]!, options, measured);
      yield state;
    }
    const { headMilliseconds, ...read } = await this.#head(state, options);
    return {
      ...read,
      deleted: state.deleted,
      computedFrom,
      milliseconds: performance.now() - started,
      cost: {
        milliseconds: state.milliseconds + headMilliseconds,
        weightBytes: weightBytes(this.spec, intervention.quantize),
      },
    };
  }

  async backward(
    states: ForwardStates,
    intervention: Intervention,
    u: Float32Array,
    options: RunOptions = {},
  ): Promise<LinearGradients[]> {
    if (intervention.testTimeRegister) {
      const got = "a test-time register";
      const remedy = "Search scales by output error, or leave the register out.";
      throw new InputError("Gradients", "blocks as they were trained", got, remedy);
    }
    const { spec, sessions } = this;
    const plan = planIntervention(spec, { ...intervention, quantize: null }, this.registers, null);
    const gradients: LinearGradients[] = [];
    let dy = headGradient(spec, await sessions.headNorm(), states.output, u);
    for (let block = spec.blocks - 1; block >= 0; block--) {
      const tokens = states.blocks[block]!;
      const outputs = await this.#exclusive(options, async () => {
        const feeds = gradientFeeds(spec, block, tokens, plan[block]!, dy);
        return (await sessions.gradient(block, plan[block]!)).run(feeds, GRADIENT_OUTPUTS);
      });
      const named = LINEARS.map((name) => [name, outputs[linearGradient(name)]!.data]);
      gradients[block] = Object.fromEntries(named) as Record<LinearName, Float32Array>;
      const before = states.blocks[block - 1]?.positions ?? tokens.positions;
      dy = scatterRows(outputs.dx!.data, tokens.positions, before);
    }
    return gradients;
  }

  exclusive<T>(work: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    return this.#exclusive(options, work);
  }

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
    return this.#exclusive(options, async () => {
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
    return this.#exclusive(options, async () => {
      const { spec } = this;
      const rule = plan.delete;
      const norm1 = this.sessions.norm1[block]!;
      const survivors = (all: Tokens) =>
        deleteTokens(spec, all, rule!.rule, { norm1, registers: rule!.registers });
      const alive = rule ? changeTokens(before, spec.width, survivors) : null;
      const tokens = alive ?? before;
      const onSearch = (done: boolean) =>
        this.#statistics.tell(plan.quantize, CALIBRATION_STAGES.scales, block + Number(done), spec.blocks);
      const variant = options.onInputs
        ? await this.sessions.exposed(block, plan)
        : await this.sessions.block(block, plan, measured, onSearch);
      const { x, trace, milliseconds } = measured
        ? await this.#measure(variant, block, tokens, plan, options)
        : await runUnmeasured(spec, variant, block, tokens, plan);
      const state = {
        x,
        positions: tokens.positions,
        deleted: alive ? Int32Array.of(...before.deleted, ...alive.deleted) : before.deleted,
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

  #head(
    state: CachedBlock,
    options: RunOptions,
  ): Promise<Pick<RunResult, "feature" | "pooled" | "logits"> & { headMilliseconds: number }> {
    return this.#exclusive(options, async () => {
      const started = performance.now();
      const { headOutputs, head } = this.sessions;
      const { width } = this.spec;
      const x = { data: tokenRows(state, width), dims: [state.positions.length, width] };
      const { feature, pooled, logits } = await head.run({ x }, headOutputs);
      return {
        feature: feature!.data,
        logits: logits?.data ?? null,
        ...(pooled && { pooled: pooled.data }),
        headMilliseconds: performance.now() - started,
      };
    });
  }

  /** Runs `work` alone, interactive work before background work, and not at all once it is cancelled. */
  async #exclusive<T>(options: RunOptions, work: () => Promise<T>): Promise<T> {
    const guarded = async () => {
      throwIfCancelled(options.signal, "The run");
      if (this.#disposed) throw new CancelledError("The run of a model that was closed");
      return work();
    };
    return this.#queue.add(guarded, { priority: PRIORITY[options.priority ?? "interactive"] });
  }
}
