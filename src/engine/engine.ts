import type { EncoderSpec } from "../encoder/spec.ts";
import { type EncoderWeights, LINEARS, type LinearName } from "../encoder/weights.ts";
import { InputError } from "../errors/input-error.ts";
import { linearGradient } from "../graph/block-gradient.ts";
import { batchOf, rangesPerImage, requireBatchable } from "../intervention/batch.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { type BlockPlan, planIntervention, requireConsistent } from "../intervention/plan.ts";
import type { CalibrationImages } from "../quantize/calibrate.ts";
import { weightBytes } from "../quantize/weight-bytes.ts";
import type { Registers } from "../regcache/registers.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import {
  type ForwardStates,
  GRADIENT_OUTPUTS,
  headGradient,
  type LinearGradients,
  scatterRows,
} from "./backward.ts";
import { runBatch } from "./batch.ts";
import { Chain, lastOf, type ReachedState } from "./chain.ts";
import { createFirstRun, type FirstRun } from "./first-run.ts";
import { type CachedBlock, createHiddenCache } from "./hidden-cache.ts";
import { maskedInput } from "./masked-input.ts";
import { gradientFeeds } from "./run-block.ts";
import type { Runtime } from "./runtime.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";
import { StatisticsStore } from "./statistics-store.ts";
import type { Engine, EngineInput, ResultOptions, RunOptions } from "./types.ts";

export interface EngineOptions extends SessionsOptions {
  /** Bound for cached hidden states, bytes. */
  readonly cacheBytes?: number;
  /** An image to run while the encoder is built; of no use without instruments. */
  readonly first?: FirstRun | null | undefined;
}

const DEFAULT_CACHE_BYTES = 96 * 1024 * 1024;

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
  const statistics = new StatisticsStore();
  return new ChainEngine(new Chain(sessions, cache, statistics), statistics);
}

/** The chain embed -> block 0 -> ... -> block L-1 -> head, run one session at a time. */
class ChainEngine implements Engine {
  readonly registers = new Map<string, Registers>();

  constructor(
    private readonly chain: Chain,
    private readonly statistics: StatisticsStore,
  ) {}

  get spec(): EncoderSpec {
    return this.chain.spec;
  }

  addRegisters(registers: Registers): void {
    this.registers.set(registers.id, registers);
  }

  addCalibration(set: CalibrationImages): void {
    this.statistics.add(set);
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
    return lastOf(this.#steps(input, intervention, options, false), betweenBlocks);
  }

  async results(
    inputs: readonly EngineInput[],
    intervention: Intervention,
    { betweenBlocks, ...options }: ResultOptions = {},
  ): Promise<RunResult[]> {
    const results: RunResult[] = [];
    if (batchOf(intervention.quantize) === 1 || inputs.length < 2) {
      for (const input of inputs)
        results.push(await this.result(input, intervention, { betweenBlocks, ...options }));
      return results;
    }
    requireBatchable(intervention, inputs.length);
    const started = performance.now();
    const plan = await this.#plan(intervention, options);
    const seen = inputs.map((input) => maskedInput(input, intervention.mask));
    for (const reached of await runBatch(this.chain, seen, plan, options, betweenBlocks))
      results.push(await this.#finish(reached, intervention, options, started));
    return results;
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
    // One image is a batch of its own.
    const quantize = intervention.quantize && rangesPerImage(intervention.quantize);
    const plan = await this.#plan({ ...intervention, quantize }, options);
    const seen = maskedInput(input, intervention.mask);
    const hasRegister = intervention.testTimeRegister !== undefined;
    const how = { hasRegister, measured, end: plan.length };
    const reached = yield* this.chain.states(seen, plan, how, options);
    return this.#finish(reached, intervention, options, started);
  }

  /** @throws InputError when the intervention does not fit the encoder or contradicts itself */
  async #plan(intervention: Intervention, options: RunOptions): Promise<BlockPlan[]> {
    requireConsistent(intervention.quantize);
    const statistics = await this.statistics.for(this, intervention, options);
    return planIntervention(this.spec, intervention, this.registers, statistics);
  }

  async #finish(
    { state, computedFrom }: ReachedState,
    intervention: Intervention,
    options: RunOptions,
    started: number,
  ): Promise<RunResult> {
    const { milliseconds, ...read } = await this.chain.head(state, options);
    return {
      ...read,
      deleted: state.deleted,
      computedFrom,
      milliseconds: performance.now() - started,
      cost: {
        milliseconds: state.milliseconds + milliseconds,
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
    const { spec, sessions } = this.chain;
    const plan = planIntervention(spec, { ...intervention, quantize: null }, this.registers, null);
    const gradients: LinearGradients[] = [];
    let dy = headGradient(spec, await sessions.headNorm(), states.output, u);
    for (let block = spec.blocks - 1; block >= 0; block--) {
      const tokens = states.blocks[block]!;
      const outputs = await this.chain.exclusive(options, async () => {
        const feeds = gradientFeeds(spec, block, tokens, plan[block]!, dy);
        return (await sessions.gradient(block)).run(feeds, GRADIENT_OUTPUTS);
      });
      const named = LINEARS.map((name) => [name, outputs[linearGradient(name)]!.data]);
      gradients[block] = Object.fromEntries(named) as Record<LinearName, Float32Array>;
      const before = states.blocks[block - 1]?.positions ?? tokens.positions;
      dy = scatterRows(outputs.dx!.data, tokens.positions, before);
    }
    return gradients;
  }

  exclusive<T>(work: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    return this.chain.exclusive(options, work);
  }

  dispose(): Promise<void> {
    return this.chain.dispose();
  }
}
