import { type EncoderSpec, leadingTokens } from "../encoder/spec.ts";
import { collect } from "../engine/collect.ts";
import type { BlockStates, Engine, EngineInput } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { seededOrder } from "../evaluate/order.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { type Candidate, CandidateSearch, type TokenOfImage } from "./candidates.ts";
import { contentId } from "./content-id.ts";
import { cosineReport, cosinesBySet, type ImageSetPart } from "./cosine-report.ts";
import type { Register, Registers } from "./registers.ts";
import { TokenGroup } from "./token-group.ts";

/** Settings of a curation (paper, step 2). */
export interface CurationSettings {
  /** Candidates are chosen by their residual L-inf after this block, 0-based. */
  readonly block: number;
  /** First of a range of blocks `from`..`block`, over which a token's largest L-inf counts; absent = `block`. */
  readonly from?: number | undefined;
  /** How many tokens are kept over all images (paper: 100). */
  readonly top: number;
  /**
   * Distinct registers, 1..REGISTER_SLOTS: the tokens are grouped by the cosine of their keys in the block after `block` (the
   * first that attends to them as outliers). Absent = 1, the mean of all; fewer come out where keys have fewer directions.
   */
  readonly registers?: number | undefined;
  /** Further numbers of distinct registers that the same tokens are grouped into, each into registers of its own. */
  readonly groupings?: readonly number[] | undefined;
}

export interface CurationOptions {
  /** sha256 of the model file; the registers are refused for any other model. */
  readonly model: string;
  /** What the images are, for people. */
  readonly data: string;
  /** Fingerprint of the data set whose probe images they are; absent = they are of no such set. */
  readonly probeOf?: string | undefined;
  /** The sets that the images come from, in their order; absent = one. */
  readonly sets?: readonly ImageSetPart[] | undefined;
  readonly signal?: AbortSignal;
  /** Which of the two passes runs, and images done of all in it. */
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

/** Registers and what they are compared with, from the same two passes. */
export interface CuratedPrefixes {
  /** The method's: the mean outlier token. */
  readonly outliers: Registers;
  /** The same tokens in each of the settings' `groupings`; fewer registers may come out. */
  readonly grouped: readonly Registers[];
  /** One random ordinary patch token's own keys and values, drawn with seed 0. */
  readonly randomSink: Registers;
  /** The mean keys and values of all patch tokens. */
  readonly meanToken: Registers;
  /** The tokens that the registers are the mean of, largest first. */
  readonly candidates: readonly Candidate[];
}

/** Stages of a curation, for people. */
const PASSES = [
  "Curating, pass 1 of 2, candidates (images)",
  "Curating, pass 2 of 2, keys and values (images)",
] as const;

type ImageLoader = () => Promise<EngineInput>;

/** The paper's range of curation blocks for a sensitive block: max(0, l_q - 3)..l_q (step 2). */
export function curationBlocks(sensitiveBlock: number): { from: number; block: number } {
  return { from: Math.max(0, sensitiveBlock - 3), block: sensitiveBlock };
}

/**
 * Curates and caches registers (paper, steps 2 and 3): see {@link curatePrefixes}.
 * @throws InputError for no images or settings that do not fit; CancelledError on abort
 */
export async function curate(
  engine: Engine,
  images: readonly ImageLoader[],
  settings: CurationSettings,
  options: CurationOptions,
): Promise<Registers> {
  return (await curatePrefixes(engine, images, settings, options)).outliers;
}

/**
 * Pass 1 runs every image in FP and keeps the `top` patch tokens by residual L-inf after the settings' blocks, and
 * the means of all patch tokens at every block. Pass 2 runs the images that own a candidate again and averages the
 * candidates' own keys, values and states, block by block; likewise the random token's. For several distinct registers the
 * candidates are grouped first, and each group is averaged (token-group.ts). Hidden states are never
 * averaged and fed back: that collapses the softmax.
 * @param images loaded when needed, up to twice each, so that pixels need not all lie in memory
 * @throws InputError for no images or settings that do not fit; CancelledError on abort
 */
export async function curatePrefixes(
  engine: Engine,
  images: readonly ImageLoader[],
  settings: CurationSettings,
  options: CurationOptions,
): Promise<CuratedPrefixes> {
  const { spec } = engine;
  const { block, from = block, top, registers = 1, groupings = [] } = settings;
  checkSettings(spec, images.length, { block, from, top, registers, groupings });
  const pass1 = new CandidateSearch(spec, { from, block }, top);
  for (const [image, load] of images.entries()) {
    await statesOf(engine, await load(), options, (states) => pass1.add(image, states));
    options.onProgress?.(PASSES[0], image + 1, images.length);
  }

  const outliers = new TokenGroup(spec, pass1.candidates, block, Math.max(registers, ...groupings) > 1);
  const random = new TokenGroup(spec, [randomOrdinary(spec, images.length, pass1)], block);
  for (const [image, load] of images.entries()) {
    const groups = [outliers, random].filter((group) => group.owns(image));
    if (groups.length > 0) {
      await statesOf(engine, await load(), options, (states) => {
        for (const group of groups) group.add(image, states);
      });
    }
    options.onProgress?.(PASSES[1], image + 1, images.length);
  }

  const meanToken = pass1.meanToken();
  const { size, mean, std } = spec.preprocess;
  const common = {
    ...{ model: options.model, from, block, images: images.length, data: options.data },
    ...{ top, input: { size, mean, std } },
  };
  const probe = options.probeOf === undefined ? {} : { probeOf: options.probeOf };
  const compared = [outliers.outputs, pass1.normalStates()] as const;
  const cosine = cosineReport(...compared);
  const { sets: parts = [] } = options;
  const sets = parts.length > 1 ? { sets: cosinesBySet(parts, ...compared) } : {};
  const finish = async (content: Omit<Registers, "id">) => ({ id: await contentId(content), ...content });
  const of = (kind: Registers["kind"], distinct: readonly Register[], state: readonly Float32Array[]) => {
    const candidates = distinct.reduce((sum, register) => sum + register.candidates, 0);
    return finish({
      kind,
      ...common,
      candidates,
      distinct,
      state,
      mean: meanToken.state,
      cosine,
      ...sets,
      ...probe,
    });
  };
  const patches = images.length * (spec.tokens - leadingTokens(spec));
  const { key, value, state } = meanToken;
  const outliersIn = (count: number) => of("outliers", outliers.registers(count), outliers.meanState());
  return {
    outliers: await outliersIn(registers),
    grouped: await Promise.all(groupings.map(outliersIn)),
    randomSink: await of("random-sink", random.registers(1), random.meanState()),
    meanToken: await of("mean-token", [{ key, value, candidates: patches }], state),
    candidates: pass1.candidates,
  };
}

/**
 * A patch token that is no candidate: images and tokens in a seeded order, the first that fits. Where few images make
 * all tokens candidates, the smallest of them.
 */
function randomOrdinary(spec: EncoderSpec, images: number, found: CandidateSearch): TokenOfImage {
  const first = leadingTokens(spec);
  const tokens = seededOrder(spec.tokens - first, 0);
  for (const image of seededOrder(images, 0)) {
    const token = tokens.find((each) => !found.has({ image, token: first + each }));
    if (token !== undefined) return { image, token: first + token };
  }
  return found.candidates.at(-1)!;
}

function checkSettings(spec: EncoderSpec, images: number, settings: Required<CurationSettings>): void {
  const { block, from, top, registers, groupings } = settings;
  if (images === 0) throw new InputError("Curation", "at least one image", "none", "Choose some images.");
  if (!(Number.isInteger(block) && block >= 0 && block < spec.blocks)) {
    const expected = `a block from 0 to ${spec.blocks - 1}`;
    throw new InputError("Curation", expected, String(block), "Choose a block of this encoder.");
  }
  if (!(Number.isInteger(from) && from! >= 0 && from! <= block)) {
    throw new InputError("Curation", `a first block from 0 to ${block}`, String(from), "Lower it.");
  }
  if (!(Number.isInteger(top) && top >= 1)) {
    throw new InputError("Curation", "at least 1 token to keep", String(top), "Use e.g. 100.");
  }
  const isNumber = (count: number) =>
    Number.isInteger(count) && count >= 1 && count <= Math.min(REGISTER_SLOTS, top);
  const wrong = [registers!, ...groupings!].find((count) => !isNumber(count));
  if (wrong !== undefined) {
    const expected = `1 to ${REGISTER_SLOTS} distinct registers, no more than tokens are kept`;
    throw new InputError("Curation", expected, String(wrong), "Use e.g. 2.");
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
