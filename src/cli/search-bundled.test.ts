import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CellScores } from "../regcache/cell-scores.ts";
import { deletionRules } from "../regcache/deletion-rules.ts";
import { prepareSearch, registerIds } from "../regcache/prepare-search.ts";
import { searchExhaustively, searchSettings } from "../regcache/search.ts";
import type { SettingGrid } from "../regcache/setting-grid.ts";
import { lastReport } from "../regcache/test-search.ts";
import { bundledModel, openBundledSet } from "./bundled.ts";
import { asCalibration } from "./open-images.ts";
import { type OpenModel, openModel } from "./open-model.ts";
import { atBits } from "./quantizer-flags.ts";

const assets = fileURLToPath(new URL("../../public", import.meta.url));

let model: OpenModel;
beforeAll(async () => {
  model = await openModel({ model: bundledModel(assets) }, undefined, { instruments: false });
});
afterAll(() => model?.close());

test("over the wider axes, the bundled encoder's best of a small grid is found at a quarter of its evaluations", async () => {
  const set = await openBundledSet(assets, "probe");
  const images = await asCalibration(model, { set, labelled: true }, { limit: 12, seed: 0 });
  const { engine, sha256 } = model;
  const subject = { engine, sha256, images, head: null, quantize: atBits(8) };
  const start = await prepareSearch(subject, 4, [2]);
  expect([...start.registers.keys()]).toEqual([1, 2]);
  const rules = deletionRules({ rule: "similarity", criteria: ["similarity"] });
  const grid: SettingGrid = {
    ...{ from: [3], to: [4, null], distinct: [1, 2], count: [0, 1, 2, 4, 8], deleteBlock: [3] },
    rules: rules.map(({ strengths }) => ({ strengths: strengths.slice(0, 5) })),
  };
  const options = { quantize: subject.quantize, ...registerIds(start), head: null };
  const scores = () => new CellScores(engine, images, options);
  const whole = await lastReport(searchExhaustively(scores(), grid, "mse"));
  const found = await lastReport(searchSettings(scores(), grid, "mse"));
  expect(found.best!.mse).toBeLessThanOrEqual(1.005 * whole.best!.mse);
  expect(found.evaluations).toBeLessThanOrEqual(whole.evaluations / 4);
  expect(whole.cells.some(({ setting }) => setting.prefix?.distinct === 2 && setting.prefix.to === 4)).toBe(
    true,
  );
});
