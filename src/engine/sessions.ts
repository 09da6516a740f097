import type { EncoderSpec } from "../encoder/spec.ts";
import type { EncoderWeights } from "../encoder/weights.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import { buildBlock } from "../graph/block.ts";
import { buildEmbed } from "../graph/embed.ts";
import { buildHead } from "../graph/head.ts";
import type { Quantization } from "../intervention/intervention.ts";
import { quantizeBlock, quantizedLinears } from "../quantize/weights.ts";
import type { GraphSession, Runtime } from "./runtime.ts";

/** Progress of loading: parts (embed, blocks, head) done of all. */
export type LoadProgress = (done: number, total: number) => void;

/**
 * Quantized block sessions that are kept, in units of whole encoders: what live accuracy and one view need at once,
 * or a sweep over the four linears.
 */
const QUANTIZED_ENCODERS = 4;

/**
 * The encoder's chain of sessions: embed, blocks, head. FP sessions are built at once, one part at a time,
 * so that never more than one part's weights lie outside ORT; a quantized variant of a block is built when it
 * is first run, from weights read again.
 */
export class Sessions {
  /** Quantized block sessions by block and rounding, least recently used first. */
  readonly #quantized = new Map<string, GraphSession>();

  private constructor(
    readonly spec: EncoderSpec,
    readonly embed: GraphSession,
    readonly head: GraphSession,
    readonly hasClassifier: boolean,
    private readonly blocks: readonly GraphSession[],
    private readonly weights: EncoderWeights,
    private readonly runtime: Runtime,
  ) {}

  static async create(
    spec: EncoderSpec,
    weights: EncoderWeights,
    runtime: Runtime,
    options: { onProgress?: LoadProgress | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Sessions> {
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
      const embed = await step(async () => runtime.createSession(buildEmbed(spec, await weights.embed())));
      const blocks: GraphSession[] = [];
      for (let block = 0; block < spec.blocks; block++) {
        const session = await step(async () =>
          runtime.createSession(buildBlock(spec, await weights.block(block), { quantized: [] })),
        );
        blocks.push(session);
      }
      const headWeights = await weights.head();
      const head = await step(() => runtime.createSession(buildHead(spec, headWeights)));
      return new Sessions(spec, embed, head, headWeights.classifier !== null, blocks, weights, runtime);
    } catch (error) {
      // The model that was open before stays in use: leave nothing of this one behind.
      await Promise.all(built.map((session) => session.release()));
      throw error;
    }
  }

  /** The session of a block, FP or with rounded weights and inputs. Call inside the run queue. */
  async block(index: number, quantize: Quantization | null): Promise<GraphSession> {
    if (!quantize) return this.blocks[index]!;
    const linears = quantizedLinears(quantize);
    // Activation bits are an input of the graph, so they need no session of their own.
    const key = [index, quantize.weightBits, quantize.weightGranularity, ...linears].join(" ");
    const known = this.#quantized.get(key);
    const session = known ?? (await this.#buildQuantized(index, quantize));
    this.#quantized.delete(key);
    this.#quantized.set(key, session);
    await this.#evict();
    return session;
  }

  async dispose(): Promise<void> {
    const all = [this.embed, this.head, ...this.blocks, ...this.#quantized.values()];
    this.#quantized.clear();
    await Promise.all(all.map((session) => session.release()));
  }

  async #buildQuantized(index: number, quantize: Quantization): Promise<GraphSession> {
    const weights = quantizeBlock(await this.weights.block(index), quantize);
    return this.runtime.createSession(
      buildBlock(this.spec, weights, { quantized: quantizedLinears(quantize) }),
    );
  }

  async #evict(): Promise<void> {
    const [oldest] = this.#quantized;
    if (!oldest || this.#quantized.size <= QUANTIZED_ENCODERS * this.spec.blocks) return;
    this.#quantized.delete(oldest[0]);
    await oldest[1].release();
  }
}
