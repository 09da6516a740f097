import type { Page } from "@playwright/test";
import type { EvaluationReport } from "../src/evaluate/report.ts";
import { deletionName } from "../src/intervention/deletion-text.ts";
import type { SensitivityReport } from "../src/regcache/sensitivity.ts";
import { unitName } from "../src/regcache/sensitivity.ts";
import { lab as runLab } from "./support/cli.ts";
import type { LabPage } from "./support/lab-page.ts";
import { sceneFiles, zipOf } from "./support/scene-files.ts";
import { expect, test } from "./support/test.ts";

/** Seed of the page's image order. */
const SEED = ["--seed", "1"];
/** Images of 16 that the rounding of another runtime may turn. */
const MOST_FLIPS = 2;

test.beforeEach(async ({ lab }) => {
  test.setTimeout(300_000);
  await lab.open();
});

async function run(lab: LabPage, kind: "sensitivity" | "search" | "compare"): Promise<void> {
  await lab.byId(`run-${kind}`).click();
  await expect(lab.byId(`result-${kind}`)).toHaveAttribute("data-done", "true", { timeout: 200_000 });
}

test("sensitivity names the unit that `lab sensitivity` names, and can be saved", async ({ lab, page }) => {
  await lab.byId("experiment-by-block").click();
  await lab.setNumber("experiment-choose-on", 2);
  await run(lab, "sensitivity");
  const report = await runLab<SensitivityReport>(["sensitivity", "--bundled", "--limit", "2", ...SEED]);
  await expect(lab.byId("most-sensitive")).toHaveText(unitName(report.mostSensitive));
  const numbers = lab.byId("sensitivity-numbers");
  await numbers.locator("summary").focus();
  await page.keyboard.press("Enter");
  await expect(lab.byId("sensitivity-fp32")).toContainText(`${(report.fp32!.top1 * 100).toFixed(1)} %`);
  for (const tensor of ["residual maximum (L∞ after the block)", "FC2-input maximum (L∞)"]) {
    await expect(numbers.getByRole("columnheader", { name: tensor })).toBeVisible();
  }
  for (const [i, { block, linear, accuracy }] of report.units.entries()) {
    const row = lab.byId(`sensitivity-row-${i}`);
    await expect(row.getByRole("rowheader")).toContainText(unitName({ block, linear }));
    // How many of these two images a rounding of another runtime turns is not what this test is about.
    await expect(row).toContainText(/ %.*pp \[.*pp, .*pp\]/);
    expect(accuracy).not.toBeNull();
  }
  const download = page.waitForEvent("download");
  await lab.byId("save-sensitivity-csv").click();
  expect((await download).suggestedFilename()).toBe("sensitivity.csv");
});

/** What the grid of the search says of itself. */
const gridName = async (page: Page) =>
  (await page.getByRole("application", { name: /^Grid of \d+ prefixes/ }).getAttribute("aria-label"))!;

test("a search fills its grid, which can be read by keyboard, and can be stopped; its setting goes into the controls", async ({
  lab,
  page,
}) => {
  await lab.setNumber("experiment-choose-on", 4);
  await lab.byId("run-search").click();
  await expect(lab.byId("search-row-0")).toBeVisible({ timeout: 200_000 });
  await lab.byId("experiments").getByRole("button", { name: "Stop" }).click();
  await expect(lab.byId("experiments")).toHaveAttribute("data-state", "idle");
  await expect(lab.byId("result-search")).toHaveAttribute("data-done", "false");
  await expect(lab.byId("search-registers-info")).toContainText(/of 4 images.* Mean cosine among them/);
  const setting = (await lab.byId("search-row-0").getByRole("rowheader").textContent())!;
  const readout = lab.byId("search-grid-readout");
  await expect(readout).toContainText(`Best so far: ${setting}: MSE `);
  await page.getByRole("application", { name: /^Grid of \d+ prefixes/ }).focus();
  await page.keyboard.press("Home");
  for (let i = 0; i < 25; i++) await page.keyboard.press("ArrowUp");
  await expect(readout).toContainText("no prefix, no deletion: MSE ");
  await page.keyboard.press("ArrowRight");
  await expect(readout).toContainText(/1 at \d by L∞: not evaluated|delete 1 at \d by linf: MSE /);
  await lab.byId("search-all").click();
  const all = Number(/^Grid of .*; (\d+) settings/.exec(await gridName(page))![1]);
  await expect(lab.byId("result-search").locator("tbody tr")).toHaveCount(all);
  await lab.byId("search-use-0").click();
  await expect(async () => {
    const { prefix, delete: deletion, quantize } = lab.intervention();
    const words = [
      prefix ? `prefix from ${prefix.from} x${prefix.count}` : "no prefix",
      deletion ? `delete ${deletionName(deletion)}` : "no deletion",
    ];
    expect(words.join(", ")).toBe(setting);
    expect(quantize).toMatchObject({ weightBits: 8, activationBits: 8 });
  }).toPass();
  await lab.waitForRuns();
});

test("a search over the wider axes says what its grid does not draw, by keyboard and on a narrow screen", async ({
  lab,
  page,
}) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await lab.setNumber("experiment-choose-on", 4);
  for (const axis of ["last", "registers", "post-ln"]) await lab.setSwitch(`search-${axis}`, true);
  await lab.byId("search-criteria").getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("option", { name: "similarity", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(lab.byId("search-criteria")).toContainText("similarity");
  await lab.setSwitch("search-capped", true);
  await lab.setNumber("search-at-most", 3);
  await lab.byId("run-search").focus();
  await page.keyboard.press("Enter");
  await expect(lab.byId("search-row-0")).toBeVisible({ timeout: 200_000 });
  const stop = lab.byId("experiments").getByRole("button", { name: "Stop" });
  // A setting of two or more registers has been seen once its name is among the grid's titles.
  const titles = lab.byId("search-grid").locator("title");
  await expect(titles.filter({ hasText: /of 4 registers/ }).first()).toBeAttached({ timeout: 200_000 });
  await stop.click();
  await expect(lab.byId("experiments")).toHaveAttribute("data-state", "idle");
  await expect(lab.byId("search-grid-hint")).toContainText("the best so far over last block and registers");
  const grid = lab.byId("search-grid");
  for (const rule of ["similarity cutoff", "similarity cutoff, at most 3"]) {
    await expect(grid.locator("text title").getByText(rule, { exact: true })).toBeAttached();
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const setting = (await lab.byId("search-row-0").getByRole("rowheader").textContent())!;
  await lab.byId("search-use-0").click();
  await expect(async () => {
    const { prefix, delete: deletion } = lab.intervention();
    const distinct = prefix?.distinct ?? 1;
    expect(prefix !== null).toBe(setting.startsWith("prefix from"));
    expect(setting.includes(`of ${distinct} registers`)).toBe(distinct > 1);
    expect(
      deletion ? setting.endsWith(`delete ${deletionName(deletion)}`) : setting.endsWith("no deletion"),
    ).toBe(true);
  }).toPass();
  await lab.waitForRuns();
});

test("a comparison with the card's setting shows what `eval --bundled` measures", async ({ lab }) => {
  await lab.setNumber("experiment-choose-on", 1);
  await lab.setNumber("experiment-measure-on", 16);
  await lab.byId("experiment-regcache-controls").click();
  await run(lab, "compare");
  const report = await runLab<EvaluationReport>([
    ...["eval", "--bundled", "--limit", "16", "--configurations", "fp32,naive,prefix,delete,regcache"],
    ...SEED,
  ]);
  for (const { name, correct } of report.configurations) {
    const shown = await lab.byId(`compare-${name.split("-")[0]}-top1`).textContent();
    const flips = Math.abs((Number.parseFloat(shown!) / 100) * report.n - correct);
    expect(flips, name).toBeLessThanOrEqual((name === "fp32" ? 0 : MOST_FLIPS) + 0.01);
  }
  await expect(lab.byId("compare-naive-n")).toHaveText("16");
  await expect(lab.byId("compare-naive-difference")).toContainText(/pp \[.+ pp, .+ pp\]/);
  // What is chosen on a single image is hardly of outliers; the card's registers are.
  await expect(lab.byId("compare-searched-registers-info")).toContainText("of 1 image,");
  await expect(lab.byId("compare-own-registers-warning")).toHaveCount(0);
  const before = lab.intervention();
  await lab.clearIntervention();
  await lab.byId("compare-use-regcache").click();
  await expect(async () => {
    const { prefix, delete: deletion, quantize } = lab.intervention();
    expect({ prefix, delete: deletion }).toEqual({ prefix: before.prefix, delete: before.delete });
    expect(quantize).toMatchObject({ weightBits: 8, activationBits: 8 });
  }).toPass();
  await lab.waitForRuns();
});

test("a comparison reads labels by the probe that was chosen, and has as many registers as are asked for", async ({
  lab,
}) => {
  const files = (await sceneFiles(["bag", "trouser"], 10)).map(({ path, bytes }) => ({
    path: path.replace("bag", "sack").replace("trouser", "leg"),
    bytes,
  }));
  await lab.drop([zipOf(files)]);
  await expect(lab.byId("dataset-info")).toHaveText("scenes.zip: 20 images in 2 classes");
  await lab.byId("probe-kind").getByRole("button").click();
  await lab.page.getByRole("option", { name: /^k nearest/ }).click();
  await lab.setNumber("probe-neighbours", 3);
  await lab.setNumber("experiment-choose-on", 1);
  await lab.setNumber("experiment-measure-on", 4);
  await lab.setNumber("experiment-compare-registers", 2);
  await lab.byId("experiment-regcache-controls").click();
  await run(lab, "compare");
  await expect(lab.byId("compare-progress")).toContainText(
    /4 of 4 images · scenes\.zip · 3 nearest neighbours .* of 4 images of a fifth of each class/,
  );
  await expect(lab.byId("compare-registers")).toHaveText("2 distinct");
  const similarity = lab.byId("result-compare").locator("dd", { has: lab.byId("compare-use") });
  const setting = (await similarity.textContent())!;
  await lab.byId("compare-use").click();
  await expect(async () => {
    const { prefix } = lab.intervention();
    expect(prefix?.distinct ?? 1).toBe(setting.includes("of 2 registers") ? 2 : 1);
    expect(prefix !== null).toBe(setting.startsWith("prefix from"));
  }).toPass();
  await lab.waitForRuns();
});

/** Evaluations that a text of the panel names first. */
const evaluationsIn = (text: string | null) =>
  Number(/([\d,]+)( of [\d,]+)? evaluations/.exec(text!)![1]!.replace(",", ""));

test("a search that a reload interrupts goes on where it was, and ends as one that was not", async ({
  lab,
  page,
}) => {
  await lab.setNumber("experiment-choose-on", 6);
  await lab.byId("run-search").click();
  await expect
    // Before it searches it sweeps, and that is kept too.
    .poll(() => page.evaluate(() => localStorage.getItem("regscope.searches")), { timeout: 200_000 })
    .toContain("regscope-search");
  await expect(lab.byId("result-search")).toHaveAttribute("data-done", "false");
  await page.reload();
  await lab.waitForRuns();
  await lab.setSwitch("accuracy-follow", false);
  await expect(lab.byId("experiment-choose-on")).toHaveValue("6");
  await expect(lab.byId("search-continue")).toBeVisible();
  // Other settings ask for another search.
  await lab.setNumber("experiment-choose-on", 5);
  await expect(lab.byId("search-continue")).toHaveCount(0);
  await lab.setNumber("experiment-choose-on", 6);
  const offered = evaluationsIn(await lab.byId("search-continue").textContent());
  await lab.byId("search-continue").focus();
  await page.keyboard.press("Enter");
  const progress = lab.byId("search-progress");
  await expect(progress).toBeVisible({ timeout: 200_000 });
  expect(evaluationsIn(await progress.textContent())).toBeGreaterThan(offered);
  const result = lab.byId("result-search");
  await expect(result).toHaveAttribute("data-done", "true", { timeout: 200_000 });
  await expect(lab.byId("search-continue")).toHaveCount(0);
  const [counted, table] = [await progress.textContent(), await result.locator("table").textContent()];

  await lab.byId("run-search").click();
  await expect(result).toHaveAttribute("data-done", "false", { timeout: 200_000 });
  await expect(result).toHaveAttribute("data-done", "true", { timeout: 200_000 });
  expect(await progress.textContent()).toBe(counted);
  expect(await result.locator("table").textContent()).toBe(table);
});

test("what is damaged of a kept search is said, and the page opens as it was", async ({ lab, page }) => {
  await page.evaluate(() => {
    localStorage.setItem("regscope.searches", '[{"model":"ab"}');
    localStorage.setItem("regscope.overrides", "[]");
  });
  await page.reload();
  await lab.waitForRuns();
  await expect(lab.messages().getByRole("alert")).toContainText(
    /An interrupted experiment: expected what this page keeps of it.*everything else is as it was/,
  );
  expect(await page.evaluate(() => localStorage.getItem("regscope.overrides"))).toBe("[]");
  await lab.dismissMessages();
  await page.reload();
  await lab.waitForRuns();
  await expect(lab.messages().getByRole("alert")).toHaveCount(0);
});
