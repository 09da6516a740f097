import * as Comlink from "comlink";
import { relativeDifference } from "../../src/engine/agreement.ts";
import type { Opener, RegscopeOpener } from "./opener.ts";

/** Milliseconds per round. */
export interface LibraryMeasures {
  readonly open: { readonly ours: number[]; readonly keeping: number[]; readonly plain: number[] };
  /** What RegScope takes beyond `open` to check the sha256. */
  readonly check: number[];
  /** Medians of a round's runs; `lean` = RegScope without instruments, for the feature alone, which is what the library gives. */
  readonly image: { readonly ours: number[]; readonly lean: number[]; readonly theirs: number[] };
  /** Largest relative difference between their features. */
  readonly difference: number;
}

/** Runs of one image per round, after one that warms up. */
const RUNS = 6;

/**
 * Opens the same weights with both libraries, turn about, and runs the same image on both. @huggingface/transformers opens
 * twice a round: keeping the download in the browser, as is its default and as RegScope does, and not keeping it.
 */
export async function measure(hub: string, size: number, rounds: number): Promise<LibraryMeasures> {
  const open = { ours: [] as number[], keeping: [] as number[], plain: [] as number[] };
  const check: number[] = [];
  const image = { ours: [] as number[], lean: [] as number[], theirs: [] as number[] };
  let difference = 0;
  const pixels = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i * 0.013) * 2);
  for (let round = 0; round < rounds; round++) {
    const [ours, lean] = [startRegscope(), startRegscope()];
    const [theirs, once] = [startLibrary(), startLibrary()];
    await Promise.all([ours, lean, theirs, once].map(({ api }) => api.ready()));
    const steps = [
      async () => {
        open.ours.push(await ours.api.open(hub, true));
        check.push(await ours.api.check());
      },
      async () => open.keeping.push(await theirs.api.open(hub, true)),
      async () => {
        open.plain.push(await once.api.open(hub, false));
        once.worker.terminate();
      },
    ];
    // Whoever is first in one round is last in the next.
    for (const step of round % 2 ? steps.reverse() : steps) await step();
    await lean.api.openLean(hub);
    const runners = { ours, lean, theirs };
    const times = { ours: [] as number[], lean: [] as number[], theirs: [] as number[] };
    const names = ["ours", "lean", "theirs"] as const;
    for (let run = -1; run < RUNS; run++) {
      let first: Float32Array | null = null;
      // Which comes first matters by a few percent, so they take turns in that, too.
      for (const name of run % 2 ? names : names.toReversed()) {
        const { milliseconds, feature } = await runners[name].api.run(pixels, size);
        difference = Math.max(difference, relativeDifference(feature, first ?? feature));
        first ??= feature;
        if (run >= 0) times[name].push(milliseconds);
      }
    }
    for (const name of names) {
      image[name].push(middle(times[name]));
      runners[name].worker.terminate();
    }
  }
  return { open, check, image, difference };
}

function startRegscope() {
  const worker = new Worker(new URL("./regscope-worker.ts", import.meta.url), { type: "module" });
  return { worker, api: Comlink.wrap<RegscopeOpener>(worker) };
}

function startLibrary() {
  const worker = new Worker(new URL("./transformers-worker.ts", import.meta.url), { type: "module" });
  return { worker, api: Comlink.wrap<Opener>(worker) };
}

const middle = (times: readonly number[]) => [...times].sort((a, b) => a - b)[times.length >> 1]!;
