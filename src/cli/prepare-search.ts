import type { CalibrationSet } from "../evaluate/calibration.ts";
import type { Head } from "../evaluate/head.ts";
import type { Quantization } from "../intervention/intervention.ts";
import { type CuratedPrefixes, curationBlocks } from "../regcache/curate.ts";
import { type SensitivityReport, sweepSensitivity } from "../regcache/sensitivity.ts";
import type { OpenModel } from "./open-model.ts";
import { curateOn } from "./open-registers.ts";
import { createProgress } from "./output.ts";

/** Tokens that are kept by a curation unless something else is asked for (paper, step 2). */
export const CURATED_TOKENS = 100;

/** What a search starts from. */
export interface SearchStart {
  /** l_q: given, or found by a sweep over blocks. */
  readonly sensitiveBlock: number;
  /** null when the block was given. */
  readonly sensitivity: SensitivityReport | null;
  /** Curated from max(0, l_q - 3)..l_q; in the engine. */
  readonly prefixes: CuratedPrefixes;
}

/**
 * The steps before a search (paper, steps 1 to 3), on the same images: the sensitive block, and registers curated
 * around it, which are added to the engine.
 * @param given l_q where the user knows it
 * @throws CancelledError on abort; InputError when an image cannot be read
 */
export async function prepareSearch(
  model: OpenModel,
  images: CalibrationSet,
  quantize: Quantization,
  head: Head | null,
  given: number | undefined,
  signal?: AbortSignal,
): Promise<SearchStart> {
  const { engine } = model;
  const sensitivity = given === undefined ? await sweepBlocks(model, images, quantize, head, signal) : null;
  const sensitiveBlock = given ?? sensitivity!.mostSensitive.block;
  const settings = { ...curationBlocks(sensitiveBlock), top: CURATED_TOKENS };
  const prefixes = await curateOn(model, images, settings, signal);
  for (const registers of Object.values(prefixes)) engine.addRegisters(registers);
  return { sensitiveBlock, sensitivity, prefixes };
}

async function sweepBlocks(
  { engine }: OpenModel,
  images: CalibrationSet,
  quantize: Quantization,
  head: Head | null,
  signal?: AbortSignal,
): Promise<SensitivityReport> {
  const progress = createProgress();
  let last: SensitivityReport | undefined;
  const options = { quantize, by: "block", head, ...(signal && { signal }) } as const;
  for await (last of sweepSensitivity(engine, images, options)) progress("Sensitivity", last.n, last.total);
  return last!;
}

/** What a report says of the registers that were used. */
export function registersReport({ outliers }: CuratedPrefixes) {
  const { id, from, block, candidates, images, data, cosine } = outliers;
  return { id, from, block, candidates, images, data, cosine };
}
