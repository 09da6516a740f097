import { calibrationSet, calibrationSets } from "../evaluate/calibration.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { prepareImage } from "../image/preprocess.ts";
import { imageSets } from "../regcache/cosine-report.ts";
import { curatePrefixes } from "../regcache/curate.ts";
import type { CurationRequest, Progress, RegistersInfo } from "./api.ts";
import { type LoadedModel, registersInfo } from "./loaded-model.ts";

/** Order of the images, of which the first are taken; that of the command line. */
const SEED = 0;

/**
 * Curates registers, and the prefixes that the paper compares them with, from the first images of each of some sets and gives
 * all of them to the engine; unreadable images are left out.
 * @param probeOf fingerprint of the data set whose probe images they are; null = they are of no such set
 * @returns the method's registers, then the others
 * @throws InputError for settings that do not fit, or no image that can be read; CancelledError on abort
 */
export async function curateRegisters(
  { engine, sha256 }: LoadedModel,
  sets: readonly LabelledSet[],
  probeOf: string | null,
  { limit, settings }: CurationRequest,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<readonly [RegistersInfo, ...RegistersInfo[]]> {
  const prepare = (image: Parameters<typeof prepareImage>[0]) =>
    prepareImage(image, engine.spec.preprocess).pixels;
  const tell = (stage: string, done: number, total: number) => onProgress({ stage, done, total });
  const options = { seed: SEED, limit, signal, onProgress: tell };
  const read = (set: LabelledSet) => calibrationSet(set, prepare, options);
  const { sets: parts, all } = await calibrationSets(sets, "Curation", read);
  const loaders = Array.from({ length: all.count }, (_, i) => () => all.load(i));
  const { outliers, randomSink, meanToken } = await curatePrefixes(engine, loaders, settings, {
    model: sha256,
    ...imageSets(parts),
    ...(probeOf !== null && { probeOf }),
    signal,
    onProgress: tell,
  });
  for (const each of [outliers, randomSink, meanToken]) engine.addRegisters(each);
  return [
    { ...registersInfo(outliers), skipped: all.skipped },
    registersInfo(randomSink),
    registersInfo(meanToken),
  ];
}
