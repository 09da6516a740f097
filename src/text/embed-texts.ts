import type { TextSpec, TextTower } from "../encoder/text.ts";
import type { GraphSession, Runtime } from "../engine/runtime.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import { buildTextBlock, buildTextHead } from "../graph/text.ts";
import { isPadded, type TextTokenizer } from "./tokenizer.ts";

export interface EmbedOptions {
  readonly signal?: AbortSignal;
  /** Parts of the work (blocks of the tower, per portion of texts) done of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface TextEmbeddings {
  /** Not normalised, [texts, E]. */
  readonly embeddings: Float32Array;
  /** How many texts were longer than the tower's context and lost their end. */
  readonly truncated: number;
}

/** Bound of the hidden states of one portion of texts, in floats: 32 MB. */
const PORTION = 8 * 2 ** 20;
/** Tokens that go through a block in one run: enough for a matrix product, small enough in memory. */
const TOKENS_PER_RUN = 1024;

/** A text on its way through the tower. */
interface Text {
  /** Its place among the texts asked for. */
  readonly index: number;
  readonly ids: readonly number[];
  /** Position whose final state is the feature. */
  readonly pooled: number;
}

/** Texts of one length whose states go through a block together. */
interface Batch {
  readonly texts: readonly Text[];
  readonly length: number;
  /** [texts, length, D] */
  x: Float32Array;
}

/**
 * Embeds texts: token and position embedding, blocks, final LayerNorm of the pooled token, projection.
 *
 * One session per block, one after another: all texts pass block 0, its session is released, then block 1 is built. So
 * no more than one block's weights lie in memory, beside the vision tower that stays (WASM's memory never shrinks again);
 * reading the weights again for each portion of texts costs little beside running them.
 * @throws InputError when weights cannot be read; CancelledError on abort. No session is left behind.
 */
export async function embedTexts(
  { spec, weights }: TextTower,
  tokenizer: TextTokenizer,
  texts: readonly string[],
  runtime: Runtime,
  { signal, onProgress }: EmbedOptions = {},
): Promise<TextEmbeddings> {
  const tower: TextTower = { spec, weights };
  let truncated = 0;
  const items = texts.map((text, index) => {
    const encoded = tokenizer.encode(text);
    if (encoded.truncated) truncated++;
    return prepare(spec, tokenizer, encoded.ids, index);
  });
  // Of like length together: less padding.
  items.sort((a, b) => a.ids.length - b.ids.length);
  const portions = divide(spec, items);
  const positions = await weights.positions();
  const embeddings = new Float32Array(texts.length * spec.embedding);
  const total = portions.length * (spec.blocks + 1);
  for (const [p, portion] of portions.entries()) {
    const batches: Batch[] = [];
    for (const part of portion) batches.push(await embedTokens(tower, part, positions));
    for (let block = 0; block < spec.blocks; block++) {
      const model = buildTextBlock(spec, await weights.block(block));
      await withSession(runtime, model, (session) => runBlock(spec, session, batches, signal));
      onProgress?.(p * (spec.blocks + 1) + block + 1, total);
    }
    const head = buildTextHead(spec, await weights.head());
    await withSession(runtime, head, (session) => runHead(spec, session, batches, embeddings, signal));
    onProgress?.((p + 1) * (spec.blocks + 1), total);
  }
  return { embeddings, truncated };
}

/** Pads to the context where padding is seen; where it is not, drops what comes after the pooled token. */
function prepare(spec: TextSpec, tokenizer: TextTokenizer, ids: readonly number[], index: number): Text {
  if (!isPadded(spec)) {
    const pooled = pooledPosition(spec, ids);
    return { index, ids: ids.slice(0, pooled + 1), pooled };
  }
  const padding = new Array<number>(spec.context - ids.length).fill(tokenizer.padId);
  const padded = tokenizer.padSide === "left" ? [...padding, ...ids] : [...ids, ...padding];
  return { index, ids: padded, pooled: pooledPosition(spec, padded) };
}

function pooledPosition({ pooling }: TextSpec, ids: readonly number[]): number {
  if (pooling.kind === "last") return ids.length - 1;
  return ids.indexOf(pooling.kind === "token" ? pooling.id : Math.max(...ids));
}

/** Portions of batches: a batch is one run of a session, a portion what passes the tower at once. */
function divide(spec: TextSpec, sorted: readonly Text[]): Text[][][] {
  const portions: Text[][][] = [];
  let portion: Text[][] = [];
  let floats = 0;
  for (let i = 0; i < sorted.length; ) {
    // Sorted by length, so the last text of a batch is its longest.
    let end = i + 1;
    while (end < sorted.length && (end + 1 - i) * sorted[end]!.ids.length <= TOKENS_PER_RUN) end++;
    const batch = sorted.slice(i, end);
    const size = batch.length * batch.at(-1)!.ids.length * spec.width;
    if (portion.length > 0 && floats + size > PORTION) {
      portions.push(portion);
      portion = [];
      floats = 0;
    }
    portion.push(batch);
    floats += size;
    i = end;
  }
  if (portion.length > 0) portions.push(portion);
  return portions;
}

/** Token embedding + position embedding. Rows past a shorter text's end stay 0: no token that counts sees them. */
async function embedTokens(
  { spec, weights }: TextTower,
  texts: readonly Text[],
  positions: Float32Array,
): Promise<Batch> {
  const D = spec.width;
  const length = texts.at(-1)!.ids.length;
  const used = [...new Set(texts.flatMap(({ ids }) => ids))];
  const rows = await weights.tokens(used);
  const rowOf = new Map(used.map((id, row) => [id, row]));
  const x = new Float32Array(texts.length * length * D);
  texts.forEach(({ ids }, n) => {
    ids.forEach((id, t) => {
      const from = rowOf.get(id)! * D;
      const to = (n * length + t) * D;
      for (let d = 0; d < D; d++) x[to + d] = rows[from + d]! + positions[t * D + d]!;
    });
  });
  return { texts, length, x };
}

async function withSession(
  runtime: Runtime,
  model: Parameters<Runtime["createSession"]>[0],
  run: (session: GraphSession) => Promise<void>,
): Promise<void> {
  const session = await runtime.createSession(model);
  try {
    await run(session);
  } finally {
    await session.release();
  }
}

async function runBlock(
  spec: TextSpec,
  session: GraphSession,
  batches: readonly Batch[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const batch of batches) {
    throwIfCancelled(signal, "Embedding the classes");
    const { length: T } = batch;
    const x = { data: batch.x, dims: [batch.texts.length, T, spec.width] };
    const feeds = spec.causal ? { x, mask: { data: causalMask(T), dims: [T, T] } } : { x };
    batch.x = (await session.run(feeds, ["y"])).y!.data;
  }
}

/** Added to the logits of [query, key]: a key that comes later gets no attention; safe in WGSL, unlike -Infinity. */
function causalMask(T: number): Float32Array {
  const mask = new Float32Array(T * T);
  for (let query = 0; query < T; query++) mask.fill(-1e9, query * T + query + 1, (query + 1) * T);
  return mask;
}

async function runHead(
  { width: D, embedding: E }: TextSpec,
  session: GraphSession,
  batches: readonly Batch[],
  out: Float32Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { texts, length, x } of batches) {
    throwIfCancelled(signal, "Embedding the classes");
    const pooled = new Float32Array(texts.length * D);
    texts.forEach((text, n) => {
      const at = (n * length + text.pooled) * D;
      pooled.set(x.subarray(at, at + D), n * D);
    });
    const { embedding } = await session.run({ x: { data: pooled, dims: [texts.length, D] } }, ["embedding"]);
    texts.forEach(({ index }, n) => {
      out.set(embedding!.data.subarray(n * E, (n + 1) * E), index * E);
    });
  }
}
