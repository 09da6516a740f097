import { expect, test } from "./support/test.ts";

test.beforeEach(async ({ lab }) => {
  test.setTimeout(300_000);
  await lab.open();
});

test("the keyboard starts, stops and starts again without losing its place", async ({ lab, page }) => {
  await lab.setNumber("experiment-choose-on", 4);
  await lab.byId("run-search").focus();
  await page.keyboard.press("Enter");
  const stop = lab.byId("experiments").getByRole("button", { name: "Stop" });
  await expect(stop).toBeFocused();
  await expect(lab.byId("search-row-0")).toBeVisible({ timeout: 200_000 });
  await expect(stop).toBeFocused();
  await page.keyboard.press("Enter");
  // "Stopping…" may be over before it is looked at; where it ends is what stays.
  await expect(lab.byId("experiments")).toHaveAttribute("data-state", "idle", { timeout: 60_000 });
  await expect(lab.byId("run-search")).toBeFocused();
  await expect(lab.byId("search-continue")).toContainText(/^Continue the search at [\d,]+ evaluations?$/);
  await lab.byId("search-continue").focus();
  await page.keyboard.press("Enter");
  await expect(stop).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(lab.byId("run-search")).toBeFocused({ timeout: 60_000 });
});

test("a comparison stops while it prepares, before it measures anything", async ({ lab }) => {
  await lab.byId("run-compare").click();
  const panel = lab.byId("experiments");
  await expect(panel).toContainText(/Search \([^)]*\)|Curating/, { timeout: 200_000 });
  await panel.getByRole("button", { name: "Stop" }).click();
  await expect(panel).toHaveAttribute("data-state", "idle", { timeout: 60_000 });
  await expect(lab.byId("result-compare")).toHaveCount(0);
  await expect(lab.byId("compare-continue")).toContainText(/^Continue the comparison at /);
});

test("a comparison that a reload interrupts goes on where it was, and is complete then", async ({
  lab,
  page,
}) => {
  await lab.setNumber("experiment-choose-on", 1);
  await lab.setNumber("experiment-measure-on", 48);
  await lab.byId("experiment-regcache-controls").click();
  await lab.byId("run-compare").click();
  await expect
    .poll(() => page.evaluate(() => localStorage.getItem("regscope.searches")), { timeout: 200_000 })
    .toContain('"evaluation"');
  await page.reload();
  await lab.waitForRuns();
  await lab.setSwitch("accuracy-follow", false);
  const again = lab.byId("compare-continue");
  await expect(again).toContainText(/^Continue the comparison at \d+ measured images?$/);
  const measured = Number(/\d+/.exec((await again.textContent())!)![0]);
  await again.click();
  const progress = lab.byId("compare-progress");
  await expect(progress).toBeVisible({ timeout: 200_000 });
  expect(Number(/\d+/.exec((await progress.textContent())!)![0])).toBeGreaterThan(measured);
  await expect(lab.byId("result-compare")).toHaveAttribute("data-done", "true", { timeout: 200_000 });
  await expect(progress).toContainText("48 of 48 images");
  await expect(again).toHaveCount(0);
});

test("a sweep runs with the controls' calibrated quantizer, and says so", async ({ lab, page }) => {
  await lab.byId("bits-w6a6").click();
  await lab.byId("quantizer-details").locator("summary").click();
  await lab.byId("quantizer-base").getByRole("button").click();
  await page.getByRole("option", { name: "RepQ-ViT" }).click();
  await lab.waitForRuns();
  await lab.byId("experiment-quantizer-controls").click();
  await expect(lab.byId("experiment-quantizer-now")).toContainText("W6A6");
  await lab.byId("experiment-by-block").click();
  await lab.setNumber("experiment-choose-on", 1);
  await lab.byId("run-sensitivity").click();
  await expect(lab.byId("result-sensitivity")).toHaveAttribute("data-done", "true", { timeout: 200_000 });
  await expect(lab.byId("quantizer-sensitivity")).toContainText(
    /as the controls: W6A6, .*base=repq-vit, calibration=dataset/,
  );
});

test("a comparison that takes nothing from the controls is refused before it runs", async ({ lab }) => {
  await lab.clearIntervention();
  await lab.byId("experiment-regcache-controls").click();
  await lab.byId("run-compare").click();
  await expect(lab.messages().getByRole("alert")).toContainText("Turn on the prefix or the deletion");
  await expect(lab.byId("experiments")).toHaveAttribute("data-state", "idle");
});
