import { type EncoderSpec, leadingTokens } from "../encoder/spec.ts";
import { collect } from "../engine/collect.ts";
import type { BlockStates, Engine, EngineInput } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { measureRows } from "../measure/residual.ts";
import { contentId } from "./content-id.ts";
import { meanPairwiseCosine } from "./cosine-report.ts";
import type { Registers } from "./registers.ts";

/** Settings of a curation (paper, step 2). */
export interface CurationSettings {
  /** Candidates are chosen by their residual L-inf after this block, 0-based. */
  readonly block: number;
  /** How many tokens are kept over all images (paper: 100). */
  readonly top: number;
}

export interface CurationOptions {
  /** sha256 of the model file; the registers are refused for any other model. */
  readonly model: string;
  /** What the images are, for people. */
  readonly data: string;
  readonly signal?: AbortSignal;
  /** Images done of all, over both passes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A token that may become a register. Row = original token index: nothing is deleted while curating. */
interface Candidate {
  readonly image: number;
  readonly token: number;
  readonly linf: number;
}

type ImageLoader = () => Promise<EngineInput>;

/**
 * Curates and caches registers (paper, steps 2 and 3). Pass 1 runs every image in FP and keeps the `top` patch
 * tokens by residual L-inf after `settings.block`, and the mean state of all patch tokens at every block's
 * input. Pass 2 runs the images that own a candidate again and averages the candidates' own keys, values and
 * states, block by block. Hidden states are never averaged and fed back: that collapses the softmax.
 * @param images loaded when needed, up to twice each, so that pixels need not all lie in memory
 * @throws InputError for no images or settings that do not fit; CancelledError on abort
 */
export async function curate(
  engine: Engine,
  images: readonly ImageLoader[],
  settings: CurationSettings,
  options: CurationOptions,
): Promise<Registers> {
  checkSettings(engine.spec, images.length, settings);
  const pass1 = await findCandidates(engine, images, settings, options);
  const pass2 = await averageCandidates(engine, images, pass1.candidates, settings, options);
  const content = {
    model: options.model,
    block: settings.block,
    candidates: pass1.candidates.length,
    images: images.length,
    data: options.data,
    ...pass2.means,
    mean: pass1.mean,
    cosine: {
      outliers: meanPairwiseCosine(pass2.outlierStates),
      normal: meanPairwiseCosine(pass1.normalStates),
    },
  };
  return { id: await contentId(content), ...content };
}

async function findCandidates(
  engine: Engine,
  images: readonly ImageLoader[],
  settings: CurationSettings,
  options: CurationOptions,
) {
  const { spec } = engine;
  const D = spec.width;
  const first = leadingTokens(spec);
  const sums = zeros(spec);
  const ordinary: { image: number; token: number; state: Float32Array }[] = [];
  let candidates: Candidate[] = [];
  for (const [image, load] of images.entries()) {
    await statesOf(engine, await load(), options, ({ block, input, output }) => {
      addRows(sums[block]!, input, D, first, spec.tokens);
      if (block !== settings.block) return;
      const { linf } = measureRows(output, D);
      linf.forEach((value, token) => {
        if (token >= first) candidates.push({ image, token, linf: value });
      });
      // Stable sort: equal magnitudes keep the order of the images, so results do not depend on the machine.
      candidates = candidates.sort((a, b) => b.linf - a.linf).slice(0, settings.top);
      const token = first + ((image * ORDINARY_STRIDE) % (spec.tokens - first));
      ordinary.push({ image, token, state: output.slice(token * D, (token + 1) * D) });
    });
    options.onProgress?.(image + 1, 2 * images.length);
  }
  const isCandidate = (of: { image: number; token: number }) =>
    candidates.some(({ image, token }) => image === of.image && token === of.token);
  return {
    candidates,
    mean: means(sums, images.length * (spec.tokens - first)),
    normalStates: ordinary.filter((sample) => !isCandidate(sample)).map(({ state }) => state),
  };
}

async function averageCandidates(
  engine: Engine,
  images: readonly ImageLoader[],
  candidates: readonly Candidate[],
  settings: CurationSettings,
  options: CurationOptions,
) {
  const { spec } = engine;
  const D = spec.width;
  const sums = { key: zeros(spec), value: zeros(spec), state: zeros(spec) };
  const outlierStates: Float32Array[] = [];
  for (const [image, load] of images.entries()) {
    const tokens = candidates.filter((candidate) => candidate.image === image).map(({ token }) => token);
    if (tokens.length > 0) {
      await statesOf(engine, await load(), options, ({ block, input, output, qkv }) => {
        for (const token of tokens) {
          addSpan(sums.state[block]!, input, token * D);
          addSpan(sums.key[block]!, qkv, token * 3 * D + D);
          addSpan(sums.value[block]!, qkv, token * 3 * D + 2 * D);
          if (block === settings.block) outlierStates.push(output.slice(token * D, (token + 1) * D));
        }
      });
    }
    options.onProgress?.(images.length + image + 1, 2 * images.length);
  }
  const count = candidates.length;
  return {
    means: {
      key: means(sums.key, count),
      value: means(sums.value, count),
      state: means(sums.state, count),
    },
    outlierStates,
  };
}

/** A step coprime to usual grids, so that the ordinary token of each image lies elsewhere. */
const ORDINARY_STRIDE = 37;

function checkSettings(spec: EncoderSpec, images: number, settings: CurationSettings): void {
  const { block, top } = settings;
  if (images === 0) throw new InputError("Curation", "at least one image", "none", "Choose some images.");
  if (!(Number.isInteger(block) && block >= 0 && block < spec.blocks)) {
    const expected = `a block from 0 to ${spec.blocks - 1}`;
    throw new InputError("Curation", expected, String(block), "Choose a block of this encoder.");
  }
  if (!(Number.isInteger(top) && top >= 1)) {
    throw new InputError("Curation", "at least 1 token to keep", String(top), "Use e.g. 100.");
  }
}

/** Runs one image in FP and hands out every block's states. */
async function statesOf(
  engine: Engine,
  input: EngineInput,
  { signal }: CurationOptions,
  onStates: (states: BlockStates) => void,
): Promise<void> {
  await collect(
    engine.run(input, NO_INTERVENTION, { onStates, priority: "background", ...(signal && { signal }) }),
  );
}

/** One sum per block, [L][D], in fp64 so that the order of many images does not matter. */
function zeros({ blocks, width }: EncoderSpec): Float64Array[] {
  return Array.from({ length: blocks }, () => new Float64Array(width));
}

function means(sums: readonly Float64Array[], count: number): Float32Array[] {
  return sums.map((sum) => Float32Array.from(sum, (entry) => entry / count));
}

/** sum += rows begin..end of x [T, width]. */
function addRows(sum: Float64Array, x: Float32Array, width: number, begin: number, end: number): void {
  for (let row = begin; row < end; row++) addSpan(sum, x, row * width);
}

/** sum += x[offset .. offset + sum.length]. */
function addSpan(sum: Float64Array, x: Float32Array, offset: number): void {
  for (let c = 0; c < sum.length; c++) sum[c]! += x[offset + c]!;
}
