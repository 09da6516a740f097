import { memorySource } from "../../src/checkpoint/byte-source.ts";
import { openSafetensors } from "../../src/checkpoint/safetensors.ts";
import { relativeDifference } from "../../src/engine/agreement.ts";
import { collect } from "../../src/engine/collect.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createWebRuntime, initialiseOrt } from "../../src/engine/runtime-web.ts";
import { openEncoder } from "../../src/families/index.ts";
import { randomCheckpoint, VIT_B16 } from "../../src/families/random-checkpoint.ts";
import { NO_INTERVENTION } from "../../src/intervention/intervention.ts";
import { calibrate, INTEGER, runLean, timed } from "./lean.ts";
import { type EngineMeasures, noTimes, wavyPixels } from "./measures.ts";

/** Compares the chain of sessions with one graph of the same weights: ViT-B/16 size, WASM, one thread. */
async function measure(rounds: number): Promise<EngineMeasures> {
  initialiseOrt(1, "plain");
  const runtime = createWebRuntime("wasm");
  const { bytes, config } = randomCheckpoint({ ...VIT_B16, classes: 0 });
  const encoder = openEncoder(await openSafetensors(memorySource(bytes, "random")), { config }, {});
  const { spec } = encoder;
  const single = await runtime.createSession(await buildSingle());
  const engine = await createEngine(encoder, runtime);
  const lean = await createEngine(encoder, runtime, { instruments: false });

  async function buildSingle() {
    const { buildSingleGraph } = await import("./single-graph.ts");
    return buildSingleGraph(encoder.spec, encoder.weights);
  }
  const side = spec.preprocess.size;
  const pixels = wavyPixels(side);
  const times = {
    single: [] as number[],
    chain: [] as number[],
    resumed: {} as Record<string, number[]>,
    int8: noTimes().int8,
    lean: noTimes(),
  };
  for (const each of [engine, lean]) calibrate(each, pixels);
  const changeAt = [0, 3, 6, 9];
  let difference = 0;
  // Round -1 warms up. A B A B: drifts of the machine's speed hit both alike.
  for (let round = -1; round < rounds; round++) {
    const keep = (list: number[]) => (round < 0 ? null : list);
    const input = { id: `round ${round}`, pixels };
    const one = await timed(keep(times.single), () =>
      single.run({ pixels: { data: pixels, dims: [1, 3, side, side] } }, ["feature"]),
    );
    const full = await timed(keep(times.chain), () => collect(engine.run(input, NO_INTERVENTION)));
    difference = Math.max(difference, relativeDifference(one.feature!.data, full.result.feature));
    const alone = await runLean(lean, pixels, round, round < 0 ? null : times.lean);
    difference = Math.max(difference, relativeDifference(one.feature!.data, alone));
    for (const range of ["dynamic", "static"] as const) {
      const own = { id: `round ${round}, ${range}`, pixels };
      const change = { ...NO_INTERVENTION, quantize: INTEGER[range] };
      await timed(keep(times.int8[range]), () => collect(engine.run(own, change)));
    }
    for (const block of changeAt) {
      times.resumed[block] ??= [];
      const change = { ...NO_INTERVENTION, delete: { block, count: 1, by: "linf" } } as const;
      await timed(keep(times.resumed[block]), () => collect(engine.run(input, change)));
    }
  }
  return { rounds, ...times, blocks: spec.blocks, difference };
}

addEventListener("message", async ({ data }: MessageEvent<{ rounds: number }>) => {
  try {
    postMessage({ measures: await measure(data.rounds) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
