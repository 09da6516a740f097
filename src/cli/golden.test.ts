import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collect } from "../engine/collect.ts";
import { applySetting, type RegCacheSetting } from "../evaluate/recommended.ts";
import { prepareImage } from "../image/preprocess.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import { listImages, readImage } from "./folder-dataset.ts";
import { type OpenModel, openModel } from "./open-model.ts";
import { curateFrom } from "./open-registers.ts";

/**
 * A real encoder with true massive activations, against a plain PyTorch forward pass with Pillow's resize.
 * The files are not part of the project; without them these tests say so and are skipped.
 */
const models = process.env.REGSCOPE_MODELS ?? "../shared/models";
const images = join(process.env.REGSCOPE_IMAGES ?? "../shared/images", "imagenette");
const folder = join(models, "vit-tiny-augreg-tinyimagenet");
const missing = [folder, images].filter((path) => !existsSync(path));
if (missing.length > 0) console.info(`${missing.join(" and ")} absent: the golden tests are skipped.`);

/** Residual max after the block, and FC2-input max: PyTorch 2, fp32, LayerNorm eps 1e-12. */
const PYTORCH = [
  {
    image: "val/n02102040/ILSVRC2012_val_00035723.JPEG",
    residual: [
      8.72572, 8.45075, 7.94047, 7.17082, 7.33712, 7.15801, 7.95543, 539.80792, 542.091, 542.18713, 541.84418,
      532.8656,
    ],
    fc2: [
      10.45683, 3.17095, 3.44984, 3.53232, 3.67363, 4.20049, 13.83619, 204.95654, 4.26051, 4.89291, 4.28335,
      4.49919,
    ],
  },
  {
    image: "train/n03028079/n03028079_34763.JPEG",
    residual: [
      16.35583, 12.12269, 11.1034, 8.06662, 7.29996, 7.32914, 8.09706, 466.93423, 469.18719, 469.49091,
      469.59229, 460.52005,
    ],
    fc2: [
      15.46793, 3.64058, 3.83033, 3.54103, 3.19275, 3.73002, 8.65344, 176.9362, 5.39844, 4.6553, 4.3582,
      3.98363,
    ],
  },
];

describe.skipIf(missing.length > 0)("ViT-Tiny AugReg, fine-tuned on Tiny-ImageNet", () => {
  let model: OpenModel;
  /** Two images of every class. */
  let sample: string[];
  beforeAll(async () => {
    model = await openModel({ model: folder, eps: 1e-12 });
    const all = await listImages(join(images, "val"));
    sample = all.filter((_, i) => i % 25 < 2);
  });
  afterAll(() => model?.close());

  async function traces(path: string, intervention: Intervention = NO_INTERVENTION): Promise<LayerTrace[]> {
    const { pixels } = prepareImage(await readImage(path), model.engine.spec.preprocess);
    return (await collect(model.engine.run({ id: path, pixels }, intervention))).traces;
  }

  /** Largest residual L-inf after blocks 7..11, and FC2-input L-inf of block 7, of one run. */
  function maxima(run: readonly LayerTrace[]) {
    return {
      residual: Math.max(...run.slice(7).flatMap((trace) => [...trace.residual.linf])),
      fc2: Math.max(...run[7]!.inputs.fc2),
    };
  }

  test.each(PYTORCH)(
    "$image: residual and FC2-input maxima are PyTorch's",
    async ({ image, residual, fc2 }) => {
      const run = await traces(join(images, image));
      for (const [block, trace] of run.entries()) {
        expect(Math.max(...trace.residual.linf) / residual[block]!).toBeCloseTo(1, 5);
        expect(Math.max(...trace.inputs.fc2) / fc2[block]!).toBeCloseTo(1, 5);
      }
    },
  );

  test("every image: massive after block 7, in channel 41, on a few patches, never on CLS", async () => {
    const counts: number[] = [];
    for (const path of sample) {
      const run = await traces(path);
      for (const trace of run.slice(0, 7)) expect(Math.max(...trace.residual.linf)).toBeLessThan(20);
      for (const trace of run) expect(trace.residual.linf[0]).toBeLessThan(13.5);
      const massive = [...run[7]!.residual.linf.keys()].filter((row) => run[7]!.residual.linf[row]! > 100);
      counts.push(massive.length);
      expect(massive.map((row) => run[7]!.residual.topChannel[row])).toEqual(massive.map(() => 41));
    }
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...counts)).toBeLessThanOrEqual(5);
  });

  test("curated registers are nearly equal across images; ordinary tokens are not", async () => {
    const {
      registers: { cosine },
    } = await curateFrom(model, {
      data: [join(images, "train")],
      block: 7,
      top: 100,
      limit: 30,
    });
    expect(cosine.outliers).toBeGreaterThan(0.999);
    expect(cosine.normal).toBeLessThan(0.4);
  });

  test.each<[string, number, RegCacheSetting]>([
    ["L-inf", 6, { prefix: { from: 4, count: 4 }, delete: { block: 7, count: 8, by: "linf" } }],
    ["similarity", 7, { prefix: { from: 7, count: 4 }, delete: { block: 7, count: 8, by: "similarity" } }],
  ])("prefix and deletion by %s bring the maxima down", async (_, block, setting) => {
    const { registers } = await curateFrom(model, {
      data: [join(images, "train")],
      block,
      top: 100,
      limit: 30,
    });
    model.engine.addRegisters(registers);
    const intervention = { ...applySetting(setting, registers.id, 12), quantize: null };
    const plain: ReturnType<typeof maxima>[] = [];
    const changed: ReturnType<typeof maxima>[] = [];
    for (const path of sample) {
      plain.push(maxima(await traces(path)));
      changed.push(maxima(await traces(path, intervention)));
    }
    const below = (limit: number) => changed.filter(({ residual }) => residual < limit).length;
    expect(Math.min(...plain.map(({ residual }) => residual))).toBeGreaterThan(300);
    if (setting.delete?.by === "similarity") {
      expect(below(20)).toBeGreaterThanOrEqual(19);
      expect(Math.max(...changed.map(({ fc2 }) => fc2))).toBeLessThan(45);
    } else {
      expect(below(100)).toBeGreaterThanOrEqual(10);
    }
  });
});
