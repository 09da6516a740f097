import { expect, test } from "vitest";
import type { Engine } from "../engine/types.ts";
import { testTrace } from "../figures/test-trace.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { LabelledSet } from "./dataset.ts";
import { FAKE_SPEC, fakeEngine } from "./fake-engine.ts";
import { outlierStatistics, patchCover } from "./outlier-statistics.ts";

const spec = {
  ...FAKE_SPEC,
  hasCls: true,
  grid: 2,
  patch: 2,
  tokens: 5,
  preprocess: { ...FAKE_SPEC.preprocess, size: 4, resize: 4 },
};

/** One block whose tokens (CLS and four patches) have the L-inf of `rows[image]`, in the first channel. */
function engineOf(rows: readonly (readonly number[])[]): Engine {
  return {
    ...fakeEngine(() => new Float32Array(2), spec).engine,
    async *run(input, _, { onStates } = {}) {
      const linf = rows[Number(input.id)]!;
      const output = Float32Array.from(linf.flatMap((value) => [value, 1]));
      onStates?.({ block: 0, input: output, output, qkv: output });
      const inputs = { ...testTrace(0, linf).inputs, fc2: Float32Array.from(linf, (value) => value / 10) };
      yield testTrace(0, linf, undefined, { medianAbs: 1, inputs });
      return { feature: output, logits: null, deleted: new Int32Array() } as never;
    },
  };
}

const picture = (white: (x: number, y: number) => boolean): RgbaImage => ({
  width: 4,
  height: 4,
  data: Uint8ClampedArray.from({ length: 64 }, (_, i) =>
    i % 4 === 3 || white((i >> 2) % 4, i >> 4) ? 255 : 0,
  ),
});
/** Foreground on the upper half: patches 0 and 1. */
const set: LabelledSet = {
  name: "pictures",
  classes: ["a"],
  count: 2,
  label: () => 0,
  id: String,
  image: async () => picture(() => false),
  mask: async () => picture((_, y) => y < 2),
};
const options = { criterion: "median-100", seed: 0 } as const;

test("outlier tokens are counted, placed and compared", async () => {
  const engine = engineOf([
    [1, 1, 2, 300, 2], // an outlier on the background
    [400, 200, 2, 2, 2], // CLS, and one on the foreground
  ]);
  const { n, blocks } = await outlierStatistics(engine, set, options);
  expect(n).toBe(2);
  expect(blocks[0]).toMatchObject({
    images: 1,
    tokens: { min: 1, mean: 1.5, max: 2 },
    special: 1,
    background: 0.5,
    channel: { index: 41, share: 1 },
    max: 400,
    maxOverMedian: 400,
  });
  expect(blocks[0]!.share).toBeCloseTo(0.3, 12);
  // FC2 inputs are a tenth of L-inf: 30 over 0.2, 40 and 20 over 0.2.
  expect(blocks[0]!.fc2OverMedian!.min).toBeCloseTo(100, 3);
  expect(blocks[0]!.fc2OverMedian!.median).toBeCloseTo(150, 3);
  // (300, 1), (400, 1) and (200, 1) point one way; the ordinary (1, 1) and (2, 1) less so.
  expect(blocks[0]!.cosine.outliers).toBeGreaterThan(0.9999);
  expect(blocks[0]!.cosine.normal).toBeLessThan(1);
});

test("without outliers, and without masks, there is nothing to place", async () => {
  const { mask: _, ...plain } = set;
  const engine = engineOf([
    [1, 1, 1, 1, 1],
    [1, 1, 1, 1, 300],
  ]);
  const first = await outlierStatistics(engine, { ...plain, count: 1 }, options);
  expect(first.blocks[0]).toMatchObject({ images: 0, background: null, channel: null, fc2OverMedian: null });
  expect(first.blocks[0]!.cosine.outliers).toBeNull();
  const both = await outlierStatistics(engine, plain, options);
  expect(both.blocks[0]).toMatchObject({ images: 0.5, background: null });
  await expect(outlierStatistics(engine, { ...plain, count: 0 }, options)).rejects.toThrow(
    /at least one image/,
  );
});

test("cover of a patch is the part of its pixels that is foreground", () => {
  const inside = Uint8Array.of(1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  expect([...patchCover(inside, { grid: 2, patch: 2 })]).toEqual([1, 0.25, 0, 0]);
});
