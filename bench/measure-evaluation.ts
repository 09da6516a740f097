import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "@playwright/test";
import { median } from "d3-array";
import sharp from "sharp";
import { openSafetensors } from "../src/checkpoint/safetensors.ts";
import { fileSource } from "../src/cli/file-source.ts";
import { openFolderSet } from "../src/cli/folder-dataset.ts";
import { openPool } from "../src/cli/pool.ts";
import { preparer } from "../src/cli/preparer.ts";
import { createNodeRuntime } from "../src/engine/runtime-node.ts";
import { evaluateWith } from "../src/evaluate/evaluate.ts";
import { openEncoder } from "../src/families/index.ts";
import { randomCheckpoint } from "../src/families/random-checkpoint.ts";
import { buildSingleGraph } from "./engine/single-graph.ts";
import type { PoolMeasures } from "./evaluation/measure.ts";
import { CONFIGURATIONS, HEAD, VIT_TINY } from "./evaluation/setting.ts";
import { measureInPage } from "./in-page.ts";
import type { Row } from "./row.ts";

/** Images of one timed evaluation. */
const IMAGES = 48;
/** Engines side by side. */
const ENGINES = 2;

/** Throughput of evaluations: a pool against one engine in the browser, and against a plain loop on the command line. */
export async function measureEvaluation(browser: Browser, rounds: number): Promise<Row[]> {
  return [await poolInBrowser(browser, rounds), await poolOnCommandLine(rounds)];
}

async function poolInBrowser(browser: Browser, rounds: number): Promise<Row> {
  const { one, pool } = await measureInPage<PoolMeasures>(browser, "evaluation", ENGINES, IMAGES, rounds);
  // At least 1.8 times the throughput of one.
  return row(`evaluation by ${ENGINES} engines / by one, in the browser`, pool, one, 1 / 1.8);
}

/** The command line's evaluation against the plainest loop: decode, prepare, run one uninstrumented graph on all cores. */
async function poolOnCommandLine(rounds: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "regscope-bench-"));
  const cores = availableParallelism();
  try {
    await writeModelAndImages(folder);
    const set = await openFolderSet(join(folder, "set"));
    const source = await fileSource(join(folder, "model.safetensors"));
    const { spec, weights } = openEncoder(await openSafetensors(source), { config: VIT_TINY_CONFIG }, {});
    const graph = await createNodeRuntime({ threads: cores, ownArena: true }).createSession(
      await buildSingleGraph(spec, weights),
    );
    const prepare = preparer(spec);
    const side = spec.grid * spec.patch;
    const plain = async () => {
      for (let i = 0; i < set.count; i++) {
        const pixels = prepare(await set.image(i));
        await graph.run({ pixels: { data: pixels, dims: [1, 3, side, side] } }, ["feature"]);
      }
    };
    const pool = await openPool({ model: folder }, [], cores);
    let round = -1;
    const fresh = { ...set, id: (i: number) => `${round} ${i}` }; // nothing may come from a cache
    const ours = async () => {
      for await (const _ of evaluateWith(pool.runners, fresh, CONFIGURATIONS, HEAD, { seed: 0 }));
    };
    const times = { plain: [] as number[], ours: [] as number[] };
    // Round -1 warms up.
    for (; round < rounds; round++) {
      const [a, b] = [await timed(plain), await timed(ours)];
      if (round < 0) continue;
      times.plain.push(a);
      times.ours.push(b);
    }
    await pool.close();
    await source.close();
    // At least 0.9 times the throughput of the plain loop.
    const name = `evaluation by ${cores} engines / plain onnxruntime-node loop on ${cores} threads`;
    return row(name, times.ours, times.plain, 1 / 0.9);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { bytes: MODEL, config: VIT_TINY_CONFIG } = randomCheckpoint(VIT_TINY);

async function writeModelAndImages(folder: string): Promise<void> {
  writeFileSync(join(folder, "model.safetensors"), MODEL);
  writeFileSync(join(folder, "config.json"), JSON.stringify(VIT_TINY_CONFIG));
  mkdirSync(join(folder, "set/a"), { recursive: true });
  for (let i = 0; i < IMAGES; i++) {
    const pixels = Uint8Array.from({ length: 256 * 256 * 3 }, (_, at) => ((at >> 5) * (i + 7) * 13) % 256);
    const jpeg = sharp(pixels, { raw: { width: 256, height: 256, channels: 3 } }).jpeg();
    writeFileSync(join(folder, `set/a/${i}.jpg`), await jpeg.toBuffer());
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function row(name: string, ours: readonly number[], reference: readonly number[], limit: number): Row {
  const rate = (times: readonly number[]) => `${(IMAGES / (median(times)! / 1000)).toFixed(1)} images/s`;
  return {
    name,
    value: median(ours.map((time, round) => time / reference[round]!))!,
    limit,
    unit: "x",
    detail: `median of ${ours.length}; ${rate(ours)} against ${rate(reference)} (ViT-Tiny, FP32, with decoding)`,
  };
}
