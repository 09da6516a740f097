import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { engineRunner } from "../evaluate/image-runner.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { openFolderSet } from "./folder-dataset.ts";
import { openModel } from "./open-model.ts";
import { jobsFor, openPool } from "./pool.ts";
import { preparer } from "./preparer.ts";

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "regscope-pool-"));
  const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks: 2, grid: 5, patch: 4 });
  writeFileSync(join(root, "model.safetensors"), bytes);
  writeFileSync(join(root, "config.json"), JSON.stringify(config));
  mkdirSync(join(root, "set/cat"), { recursive: true });
  for (let i = 0; i < 3; i++) {
    const pixels = Uint8Array.from({ length: 20 * 20 * 3 }, (_, at) => (at * (i + 3) * 7) % 256);
    const png = sharp(pixels, { raw: { width: 20, height: 20, channels: 3 } }).png();
    writeFileSync(join(root, `set/cat/${i}.png`), await png.toBuffer());
  }
  writeFileSync(join(root, "set/cat/9.png"), "noise");
});
afterAll(() => rmSync(root, { recursive: true }));

test("engines in threads give exactly what the engine of this thread gives", async () => {
  const set = await openFolderSet(join(root, "set"));
  const quantize = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;
  const perBatch = { ...quantize, range: { kind: "dynamic-batch", batch: 4 } } as const;
  const interventions = [null, quantize, perBatch].map((q) => ({ ...NO_INTERVENTION, quantize: q }));
  const model = await openModel({ model: root });
  const here = engineRunner(model.engine, preparer(model.engine.spec));
  const pool = await openPool({ model: root }, [], 2);
  try {
    for (const images of [[0], [1], [2], [3], [2, 3, 0]]) {
      const [expected, ...others] = await Promise.all(
        [here, ...pool.runners].map((runner) => runner.run(set, images, interventions)),
      );
      const features = (outcomes: typeof expected) =>
        outcomes?.map((outcome) =>
          "runs" in outcome ? outcome.runs.map(({ feature }) => Array.from(feature)) : outcome,
        );
      for (const outcomes of others) expect(features(outcomes)).toEqual(features(expected));
      const unreadable = expected?.[images.indexOf(3)];
      if (images.includes(3)) expect(unreadable).toEqual({ unreadable: expect.stringContaining("9.png") });
    }
  } finally {
    await pool.close();
    await model.close();
  }
});

test("a model that a thread cannot load is refused, with its message", async () => {
  await expect(openPool({ model: join(root, "missing") }, [], 1)).rejects.toThrow(/model.safetensors/);
});

test("the number of engines is the one asked for, or follows the work", () => {
  const spec = { blocks: 12, width: 768, mlpWidth: 3072, activation: "gelu" } as const;
  expect(jobsFor({ jobs: 3 }, spec, 1)).toBe(3);
  expect(jobsFor({}, spec, 1)).toBe(1);
  expect(jobsFor({ threads: 1024 }, spec, 1e6)).toBe(1);
});
