import { LRUCache } from "lru-cache";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { EncoderWeights, Norm } from "../encoder/weights.ts";
import { InputError, throwIfCancelled } from "../errors/input-error.ts";
import { type BlockGraphOptions, buildBlock } from "../graph/block.ts";
import { buildBlockGradient } from "../graph/block-gradient.ts";
import { buildEmbed } from "../graph/embed.ts";
import { buildHead, headOutputs } from "../graph/head.ts";
import type { Quantization } from "../intervention/intervention.ts";
import type { BlockPlan } from "../intervention/plan.ts";
import { activationGrids, type GridFeeds } from "../quantize/activation-grids.ts";
import {
  isStatic,
  type QuantizedBlock,
  quantizeBlock,
  quantizedLinears,
  searchesScales,
} from "../quantize/block-quantizer.ts";
import type { HeadNorm } from "./backward.ts";
import type { GraphSession, Runtime } from "./runtime.ts";
import { fixedSlots, openSlots } from "./slots.ts";

/** Progress of loading: parts (embed, blocks, head) done of all. */
export type LoadProgress = (done: number, total: number) => void;

/** A part of the chain whose session is ready. The head, which ends it, is not told. */
export interface BuiltPart {
  readonly index: "embed" | number;
  readonly session: GraphSession;
  /** Slots that a block is fed without a prefix. */
  readonly slots: number;
}

export interface SessionsOptions {
  readonly onProgress?: LoadProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether FP blocks are built with instruments (default), or lean, for runs that want results alone. */
  readonly instruments?: boolean | undefined;
  /** Waited for after embedding and every block, before the next part is built. */
  readonly onPart?: ((part: BuiltPart) => Promise<void>) | undefined;
}

/**
 * Block sessions beside the FP ones that are kept, in units of whole encoders: what live accuracy and one view need at once,
 * or a sweep over the four linears.
 */
const KEPT_ENCODERS = 4;

/** Static grids that are kept; a grid is a few numbers, but a scale search takes a while. */
const KEPT_GRIDS = 4096;

/** A block that can be run: its session, and the scalars that set bits, ranges and clipping. */
export interface BlockVariant {
  readonly session: GraphSession;
  /** Whether the session measures what it computes. */
  readonly instruments: boolean;
  readonly grids: GridFeeds;
  /** Slots that are fed, R. */
  readonly slots: number;
}

/** A session beside the FP ones, with what its grids need of the weights. */
interface Variant extends Pick<QuantizedBlock, "folds" | "norms" | "twin"> {
  readonly session: GraphSession;
}

/**
 * The encoder's chain of sessions: embed, blocks, head. FP sessions are built at once, one part at a time,
 * so that never more than one part's weights lie outside ORT; a quantized variant of a block is built when it
 * is first run, from weights read again. So are blocks with instruments where the FP sessions are lean.
 */
export class Sessions {
  /** Further block sessions by block, rounding and instruments, least recently used first. */
  readonly #variants = new Map<string, Variant>();
  #headNorm: Promise<HeadNorm> | undefined;
  readonly #grids = new LRUCache<string, GridFeeds>({ max: KEPT_GRIDS });

  private constructor(
    readonly spec: EncoderSpec,
    readonly embed: GraphSession,
    /** What a zero token is in the residual stream before block 0, [D]: the bias of a LayerNorm before it, else zero. */
    readonly zeroToken: Float32Array,
    readonly head: GraphSession,
    /** Names of the outputs that this encoder's head has. */
    readonly headOutputs: readonly string[],
    private readonly blocks: readonly GraphSession[],
    /** LayerNorm 1 of every block, which deletion by post-LN magnitudes applies on the host. */
    readonly norm1: readonly Norm[],
    /** Whether `blocks` have instruments; else they are lean. */
    private readonly instruments: boolean,
    private readonly weights: EncoderWeights,
    private readonly runtime: Runtime,
  ) {}

  static async create(
    spec: EncoderSpec,
    weights: EncoderWeights,
    runtime: Runtime,
    options: SessionsOptions = {},
  ): Promise<Sessions> {
    const { instruments = true } = options;
    const total = spec.blocks + 2;
    const built: GraphSession[] = [];
    const step = async (create: () => Promise<GraphSession>) => {
      throwIfCancelled(options.signal, "Loading the model");
      const session = await create();
      built.push(session);
      options.onProgress?.(built.length, total);
      return session;
    };
    try {
      const zeroToken = new Float32Array(spec.width);
      const embed = await step(async () => {
        const embedWeights = await weights.embed();
        if (embedWeights.preNorm) zeroToken.set(embedWeights.preNorm.bias);
        return runtime.createSession(buildEmbed(spec, embedWeights));
      });
      const slots = slotsFor(runtime, { prefix: null, quantize: null });
      await options.onPart?.({ index: "embed", session: embed, slots });
      const blocks: GraphSession[] = [];
      const norm1: Norm[] = [];
      for (let block = 0; block < spec.blocks; block++) {
        const session = await step(async () => {
          const read = await weights.block(block);
          // Copies: views would keep the whole block's bytes alive.
          norm1.push({ weight: read.norm1.weight.slice(), bias: read.norm1.bias.slice() });
          return runtime.createSession(buildBlock(spec, read, { quantize: null, instruments }));
        });
        blocks.push(session);
        await options.onPart?.({ index: block, session, slots });
      }
      const headWeights = await weights.head();
      const head = await step(() => runtime.createSession(buildHead(spec, headWeights)));
      const outputs = headOutputs(headWeights);
      return new Sessions(
        spec,
        embed,
        zeroToken,
        head,
        outputs,
        blocks,
        norm1,
        instruments,
        weights,
        runtime,
      );
    } catch (error) {
      // The model that was open before stays in use: leave nothing of this one behind.
      await Promise.all(built.map((session) => session.release()));
      throw error;
    }
  }

  /**
   * A block as a plan wants it: FP, or with quantized linears. Call inside the run queue.
   * @param measured whether it must have instruments
   * @param onSearch waited for before and after scales are searched for the block, which takes a while
   * @throws InputError for int8 on WebGPU
   */
  async block(
    index: number,
    plan: BlockPlan,
    measured: boolean,
    onSearch?: (done: boolean) => Promise<void>,
  ): Promise<BlockVariant> {
    const { quantize } = plan;
    const instruments = this.instruments || measured;
    if (!quantize) {
      const shape = shapeOf(plan);
      const slots = slotsFor(this.runtime, plan);
      const isOfChain = instruments === this.instruments && !shape.shiftsNeurons;
      if (isOfChain) return { session: this.blocks[index]!, instruments, grids: {}, slots };
      return this.#fp(index, { quantize: null, instruments, ...shape }, slots);
    }
    return this.#quantized(index, quantize, plan, { instruments }, onSearch);
  }

  /** A quantized block for several images at once, lean. Call inside the run queue. @throws as {@link block} */
  async batched(index: number, quantize: Quantization, plan: BlockPlan): Promise<BlockVariant> {
    return this.#quantized(index, quantize, plan, { instruments: false, batched: true });
  }

  /** An FP block that also hands out what its linears read, for calibration. Call inside the run queue. */
  async exposed(index: number, plan: BlockPlan): Promise<BlockVariant> {
    return this.#fp(index, { quantize: null, exposesInputs: true, ...shapeOf(plan) }, fixedSlots(plan));
  }

  async dispose(): Promise<void> {
    const variants = [...this.#variants.values()].map(({ session }) => session);
    this.#variants.clear();
    const all = [this.embed, this.head, ...this.blocks, ...variants];
    await Promise.all(all.map((session) => session.release()));
  }

  /** The backward pass of an FP block. Call inside the run queue. */
  async gradient(index: number): Promise<GraphSession> {
    const { session } = await this.#variant(`${index} gradient`, async () => {
      const model = buildBlockGradient(this.spec, await this.weights.block(index));
      return { session: await this.runtime.createSession(model), folds: {}, norms: {}, twin: null };
    });
    return session;
  }

  /** How the head normalises and pools. */
  async headNorm(): Promise<HeadNorm> {
    this.#headNorm ??= this.weights.head().then(({ norm, normAfterPool }) => ({ norm, normAfterPool }));
    return this.#headNorm;
  }

  async #quantized(
    index: number,
    quantize: Quantization,
    plan: BlockPlan,
    kind: Pick<BlockGraphOptions, "batched"> & { readonly instruments: boolean },
    onSearch?: (done: boolean) => Promise<void>,
  ): Promise<BlockVariant> {
    const { statistics, key } = plan;
    if (quantize.arithmetic === "int8") requireIntegerKernels(this.runtime);
    const gridKey = `${index} ${key}`;
    const searches = searchesScales(quantize) && !this.#grids.has(gridKey);
    if (searches) await onSearch?.(false);
    const built = await this.#variant(sessionKey(index, quantize, plan, kind), async () => {
      const block = quantizeBlock(await this.weights.block(index), quantize, statistics);
      const options = { quantize: block.graph, ...kind, ...shapeOf(plan) };
      const model = buildBlock(this.spec, block.weights, options);
      const session = await this.runtime.createSession(model, { keepsMemory: !kind.batched });
      return { session, folds: block.folds, norms: block.norms, twin: block.twin };
    });
    const grids = this.#grids.get(gridKey) ?? activationGrids(quantize, built, statistics);
    this.#grids.set(gridKey, grids);
    if (searches) await onSearch?.(true);
    const slots = slotsFor(this.runtime, plan);
    return { session: built.session, instruments: kind.instruments, grids, slots };
  }

  /** An FP block with another graph than the one that is always there. */
  async #fp(index: number, options: BlockGraphOptions, slots: number): Promise<BlockVariant> {
    const { session } = await this.#variant(JSON.stringify([index, options]), async () => {
      const model = buildBlock(this.spec, await this.weights.block(index), options);
      return { session: await this.runtime.createSession(model), folds: {}, norms: {}, twin: null };
    });
    return { session, instruments: options.instruments ?? true, grids: {}, slots };
  }

  async #variant(key: string, build: () => Promise<Variant>): Promise<Variant> {
    const variant = this.#variants.get(key) ?? (await build());
    this.#variants.delete(key);
    this.#variants.set(key, variant);
    const [oldest] = this.#variants;
    if (oldest && this.#variants.size > KEPT_ENCODERS * this.spec.blocks) {
      this.#variants.delete(oldest[0]);
      await oldest[1].session.release();
    }
    return variant;
  }
}

/**
 * What a session is built from. Activation bits, ranges and bounds are inputs of the graph, so they need no session of their
 * own, but where weights depend on calibration the plan's whole key does.
 */
function sessionKey(index: number, q: Quantization, plan: BlockPlan, kind: object): string {
  const foldsWeights = q.smoothQuant !== undefined || (q.base !== undefined && q.base !== "rtn");
  return JSON.stringify([
    index,
    kind,
    q.weightBits,
    q.weightGranularity,
    q.arithmetic === "int8",
    isStatic(q),
    q.activationScheme === "asymmetric",
    q.activationGranularity === "per-token",
    q.clip !== undefined,
    q.excludeOutliers?.kind,
    quantizedLinears(q),
    q.attention && (q.base ?? "rtn"),
    foldsWeights && plan.key,
    shapeOf(plan),
  ]);
}

/** What of a plan needs a graph of its own, beside quantization. */
function shapeOf(plan: BlockPlan): Required<Pick<BlockGraphOptions, "shiftsNeurons">> {
  return { shiftsNeurons: plan.registerNeurons.length > 0 };
}

/** Slots that a block is fed: with quantized attention their keys and values count in its ranges, so there is at least one. */
function slotsFor({ backend }: Runtime, plan: Pick<BlockPlan, "prefix" | "quantize">): number {
  return backend === "webgpu" || plan.quantize?.attention ? fixedSlots(plan) : openSlots(plan);
}

/** @throws InputError on a backend that has no integer kernels */
function requireIntegerKernels(runtime: Runtime): void {
  if (runtime.backend !== "webgpu") return;
  throw new InputError(
    "int8",
    "a CPU backend (WASM or native)",
    "WebGPU, which has no integer matrix kernels: ORT would run them on the CPU, between copies",
    "Use ?backend=wasm, or simulated quantization.",
  );
}
