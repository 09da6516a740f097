import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import { leastError } from "./least-error.ts";
import type { ExperimentSubject, SearchStart } from "./prepare-search.ts";
import { findRegisterNeurons } from "./register-neurons.ts";

/** How many register neurons are tried; the authors' code takes 10 for OpenCLIP-B/16 and 50 for DINOv2-L. */
const NEURON_COUNTS = [1, 2, 5, 10, 20, 50];

/**
 * The quantizer with a test-time register (Jiang et al. 2506.08010): register neurons of the blocks up to the one that
 * creates the outliers (at most the sensitive one), as many of them as give the least feature error on the calibration images.
 * @throws InputError when an image cannot be read; CancelledError on abort
 */
export async function chooseTestTimeRegister(
  subject: ExperimentSubject,
  { sensitiveBlock, prefixes }: Pick<SearchStart, "sensitiveBlock" | "prefixes">,
): Promise<Intervention> {
  const { engine, images, quantize, signal, onProgress } = subject;
  const { neurons: found } = await findRegisterNeurons(engine, images, prefixes.candidates, {
    lastBlock: sensitiveBlock,
    top: NEURON_COUNTS.at(-1)!,
    signal,
    onProgress: (done, total) => onProgress?.("Finding register neurons", done, total),
  });
  const counts = NEURON_COUNTS.filter((count) => count <= found.length);
  const candidates = counts.map((count): Intervention => {
    const neurons = found.slice(0, count).map(({ block, neuron }): [number, number] => [block, neuron]);
    return { ...NO_INTERVENTION, quantize, testTimeRegister: { neurons } };
  });
  return candidates[await leastError(subject, "Choosing register neurons", candidates)]!;
}
