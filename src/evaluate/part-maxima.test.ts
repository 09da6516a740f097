import { expect, test } from "vitest";
import { collect } from "../engine/collect.ts";
import { prepareMask } from "../image/mask.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { countingEngine } from "../regcache/test-engine.ts";
import type { LabelledSet } from "./dataset.ts";
import { partMaxima } from "./part-maxima.ts";

const image = (value: (i: number) => number): RgbaImage => ({
  width: 20,
  height: 20,
  data: Uint8ClampedArray.from({ length: 1600 }, (_, i) => (i % 4 === 3 ? 255 : value(i >> 2))),
});
const left = image((at) => (at % 20 < 10 ? 255 : 0));
const set: LabelledSet = {
  name: "pictures",
  classes: ["a", "b"],
  count: 3,
  label: () => 0,
  id: String,
  image: async (i) => image((at) => (at * (i + 3) * 7) % 256),
  mask: async () => left,
};

test("means over images of each part's maxima, by block", async () => {
  const { engine } = await countingEngine(2);
  const report = await partMaxima(engine, set, { seed: 1 });
  expect(report).toMatchObject({ n: 3, dataset: "pictures" });
  const { preprocess } = engine.spec;
  const inside = prepareMask(left, left, preprocess, "m");
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    const { pixels } = prepareImage(await set.image(i), preprocess);
    const input = { id: `own ${i}`, pixels, mask: { id: "m", inside } };
    const { traces } = await collect(engine.run(input, { ...NO_INTERVENTION, mask: "background" }));
    sum += Math.max(...traces[1]!.residual.linf);
  }
  expect(report.blocks[1]!.residual.background).toBeCloseTo(sum / 3, 10);
  const { original, foreground, background } = report.blocks[0]!.fc2Input;
  expect(new Set([original, foreground, background]).size).toBe(3);
});

test("a set without masks is refused", async () => {
  const { engine } = await countingEngine(1);
  const { mask: _, ...plain } = set;
  await expect(partMaxima(engine, plain, { seed: 0 })).rejects.toThrow(/images with foreground masks/);
});
