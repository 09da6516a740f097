import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EvaluationReport } from "../src/evaluate/report.ts";
import { wilsonInterval } from "../src/evaluate/wilson.ts";

/** Images of 64 that the rounding of another runtime may turn. */
const MOST_FLIPS = 4;

import { formatPercent, formatPoints } from "../src/figures/format.ts";
import type { Intervention } from "../src/intervention/intervention.ts";
import { lab as runLab } from "./support/cli.ts";
import type { LabPage } from "./support/lab-page.ts";
import { BUNDLED_MODEL, SITE } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const SEED = 3;
const LIMIT = 64;

/** Bundled files whose recommended setting is `intervention`, so that `eval --bundled` measures what the page does. */
async function assetsFor(folder: string, intervention: Intervention): Promise<string> {
  const model = join(folder, "models/scenes-vit");
  await mkdir(model, { recursive: true });
  for (const file of ["model.safetensors", "config.json", "registers.safetensors"]) {
    if (existsSync(join(BUNDLED_MODEL, file))) {
      await symlink(join(BUNDLED_MODEL, file), join(model, file));
    }
  }
  await symlink(join(SITE, "datasets"), join(folder, "datasets"));
  const { prefix, delete: deletion } = intervention;
  const { registers: _, ...rule } = deletion ?? {};
  const setting = {
    prefix: prefix && { from: prefix.from, to: prefix.to, count: prefix.count },
    delete: deletion && rule,
  };
  await writeFile(join(model, "recommended.json"), JSON.stringify(setting));
  return folder;
}

/** Asserts that the three rows show a report, as the page prints it. */
async function expectReport(lab: LabPage, report: EvaluationReport): Promise<void> {
  expect(report.configurations.map(({ name }) => name)).toEqual(["fp32", "naive-w8a8", "regcache-w8a8"]);
  for (const { name, correct, top1, difference, meanCosine } of report.configurations) {
    const row = `accuracy-${name.split("-")[0]}`;
    await expect(lab.byId(`${row}-n`)).toHaveText(String(report.n));
    // Rounding flips where two runtimes' sums differ in the last bit, and naive quantization here is all rounding:
    // quantized rows agree to a few images, FP32 exactly.
    const shown = Number(await lab.byId(`${row}-correct`).textContent());
    expect(Math.abs(shown - correct), `${name}: images counted right`).toBeLessThanOrEqual(
      name === "fp32" ? 0 : MOST_FLIPS,
    );
    expect(correct / report.n).toBeCloseTo(top1, 12);
    await expect(lab.byId(`${row}-top1`)).toHaveText(formatPercent(shown / report.n));
    const [lowest, highest] = wilsonInterval(shown, report.n);
    await expect(lab.byId(`${row}-interval`)).toHaveText(
      `${(lowest * 100).toFixed(1)}–${formatPercent(highest)}`,
    );
    const cosine = Number(await lab.byId(`${row}-cosine`).textContent());
    expect(Math.abs(cosine - meanCosine), `mean cosine of ${name}`).toBeLessThan(
      name === "fp32" ? 1e-6 : 0.02,
    );
    if (name === "fp32") {
      await expect(lab.byId(`${row}-difference`)).toHaveText("reference");
      continue;
    }
    if (shown === correct) {
      await expect(lab.byId(`${row}-difference`)).toContainText(formatPoints(difference.value));
    }
  }
}

test("live accuracy counts what `eval --bundled` counts, on the same images", async ({ lab }, info) => {
  await lab.open();
  // A strong deletion, so that the third row differs from the others.
  await lab.setSwitch("delete-switch", true);
  await lab.chooseRule("linf");
  await lab.setSlider("Block of the deletion", 2);
  await lab.setNumber("delete-count-number", 40);
  await lab.byId("bits-w8a8").click();
  await lab.byId("accuracy-n-64").click();
  await lab.setNumber("accuracy-seed", SEED);
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
  await expect(lab.byId("accuracy-progress")).toContainText(`64 of 64 images · scenes`);
  await expect(lab.byId("accuracy-progress")).toContainText(`seed ${SEED}`);

  const assets = await assetsFor(info.outputPath("assets"), lab.intervention());
  const report = await runLab<EvaluationReport>(
    ["eval", "--bundled", "--limit", String(LIMIT), "--seed", String(SEED)],
    assets,
  );
  expect(report.n).toBe(LIMIT);
  await expectReport(lab, report);

  // Numbers of other settings than the controls' say so.
  await lab.setNumber("delete-count-number", 39);
  await expect(lab.byId("accuracy-stale")).toBeVisible();
});

test("live accuracy stops when told, and starts by itself when it follows the controls", async ({ lab }) => {
  await lab.open();
  await lab.clearIntervention();
  await lab.byId("accuracy-n-1024").click();
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "running");
  await expect(lab.byId("accuracy-fp32-n")).toHaveText(/[1-9]/);
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
  const stopped = (await lab.byId("accuracy-fp32-n").textContent())!;
  expect(Number(stopped.replace(",", ""))).toBeLessThan(1024);
  await expect(lab.byId("accuracy-naive-n")).toHaveText(stopped);
  await expect(lab.byId("accuracy-regcache")).toHaveCount(0);

  await lab.byId("accuracy-n-64").click();
  await lab.setSwitch("accuracy-follow", true);
  await lab.setSwitch("delete-switch", true);
  await expect(lab.byId("accuracy-progress")).toContainText("64 of 64 images");
  await expect(lab.byId("accuracy-regcache-n")).toHaveText("64");
});

test("the page opens with the settings that the model's card recommends", async ({ lab }) => {
  const file = join(BUNDLED_MODEL, "recommended.json");
  test.skip(!existsSync(file), "the bundled encoder comes without a recommended.json");
  const { prefix, delete: deletion } = JSON.parse(await readFile(file, "utf8"));
  await lab.open();
  const shown = lab.intervention();
  expect(shown.prefix).toEqual(prefix ? expect.objectContaining(prefix) : null);
  expect(shown.delete).toEqual(deletion ? expect.objectContaining(deletion) : null);
});
