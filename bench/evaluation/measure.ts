import { evaluateWith } from "../../src/evaluate/evaluate.ts";
import { randomCheckpoint } from "../../src/families/random-checkpoint.ts";
import { EnginePool } from "../../src/worker/pool.ts";
import { CONFIGURATIONS, HEAD, VIT_TINY } from "./setting.ts";

/** Wall time of the same evaluation, ms per round. */
export interface PoolMeasures {
  readonly one: readonly number[];
  readonly pool: readonly number[];
}

/** The same evaluation on one engine and on `size` engines, turn about; models are loaded before. */
export async function measure(size: number, images: number, rounds: number): Promise<PoolMeasures> {
  const { bytes, config } = randomCheckpoint(VIT_TINY);
  const files = [
    new File([bytes as Uint8Array<ArrayBuffer>], "model.safetensors"),
    new File([JSON.stringify(config)], "config.json"),
  ];
  const blobs = await Promise.all(Array.from({ length: images }, (_, i) => noise(i)));
  const set = {
    name: "noise",
    classes: ["a", "b"],
    count: images,
    label: (i: number) => i % 2,
    id: (i: number) => `${round} ${i}`, // nothing may come from a cache
    image: () => Promise.reject(new Error("decoded in the pool")),
    encoded: async (i: number) => ({ name: `${i}.jpg`, blob: blobs[i]! }),
  };
  let round = -1;
  const time = async (pool: EnginePool) => {
    const started = performance.now();
    for await (const _ of evaluateWith(pool.runners, set, CONFIGURATIONS, HEAD, { seed: 0 }));
    return performance.now() - started;
  };
  const single = await EnginePool.open({ kind: "files", files }, 1);
  const several = await EnginePool.open({ kind: "files", files }, size);
  const times = { one: [] as number[], pool: [] as number[] };
  // Round -1 warms up.
  for (; round < rounds; round++) {
    const [one, pool] = [await time(single), await time(several)];
    if (round < 0) continue;
    times.one.push(one);
    times.pool.push(pool);
  }
  single.dispose();
  several.dispose();
  return times;
}

/** A JPEG of 256 x 256 pixels that no two share. */
async function noise(seed: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(256, 256);
  const painter = canvas.getContext("2d")!;
  for (let i = 0; i < 400; i++) {
    painter.fillStyle = `hsl(${(i * 37 + seed * 91) % 360} 70% 50%)`;
    painter.fillRect((i * 53 + seed * 17) % 256, (i * 29) % 256, 24, 24);
  }
  return canvas.convertToBlob({ type: "image/jpeg" });
}
