import type { CalibrationSet } from "../evaluate/calibration.ts";
import { FAKE_SPEC, fakeEngine } from "../evaluate/fake-engine.ts";
import { NONE_SKIPPED } from "../evaluate/skipped.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { CellScores, type ImageScores } from "./cell-scores.ts";
import type { SearchReport } from "./search.ts";

/** For tests: images that a search runs on. */
export const IMAGES = 16;
/** For tests: blocks of the fake encoder. */
export const BLOCKS = 8;

const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;

const images: CalibrationSet = {
  name: "fake",
  count: IMAGES,
  digest: "fake",
  skipped: NONE_SKIPPED,
  load: async (i) => ({ id: `fake ${i}`, pixels: Float32Array.of(i + 2) }),
  label: (i) => i % 2, // as the head reads it off pixel i + 2
};

/** Right on more images the smaller the error. */
const head = {
  describe: "fake head",
  classify: ({ feature }: { feature: Float32Array }) => (feature[1]! < 1.6 ? feature[0]! % 2 : -1),
};

interface FakeOptions {
  readonly known?: Readonly<Record<string, ImageScores>>;
  readonly signal?: AbortSignal;
  readonly labelled?: boolean;
  readonly several?: ReadonlyMap<number, string>;
  readonly showEvery?: number;
}

/** For tests: scores of settings by an error that is a function of the intervention and the image; FP has none. */
export function fakeScores(
  error: (intervention: Intervention, image: number) => number,
  { known = {}, signal, labelled = false, several, showEvery = Number.POSITIVE_INFINITY }: FakeOptions = {},
) {
  const { engine, log } = fakeEngine(
    (pixels, intervention) =>
      Float32Array.of(pixels[0]!, intervention.quantize ? error(intervention, pixels[0]!) : 0),
    { ...FAKE_SPEC, blocks: BLOCKS },
  );
  const options = {
    quantize: W8A8,
    registers: "r",
    ...(several && { several }),
    head: labelled ? head : null,
    showEvery, // a report costs more than a fake evaluation
    ...(signal && { signal }),
  };
  return { scores: new CellScores(engine, images, options, known), log };
}

/** For tests: what a search ends with. */
export async function lastReport(reports: AsyncGenerator<SearchReport>): Promise<SearchReport> {
  let report: SearchReport | undefined;
  for await (report of reports);
  return report!;
}
