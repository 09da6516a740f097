import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { QUANTIZED } from "./support/agreement.ts";
import { cliTrace } from "./support/cli.ts";
import { tabTo } from "./support/keyboard.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");

test("the main controls are reached and operated by keyboard alone", async ({ lab, page }) => {
  await lab.open();
  await lab.setSwitch("delete-switch", true);
  await lab.chooseRule("linf");
  await lab.clearIntervention();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.getByRole("heading", { name: "RegScope" }).click();

  const id = (name: string) => `[data-testid="${name}"]`;

  await tabTo(page, id("sample-scene-trouser.png"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("image-name")).toContainText("scene-trouser.png");
  await tabTo(page, id("delete-switch"));
  await page.keyboard.press("Space");
  await expect(lab.byId("delete-switch").getByRole("switch")).toBeChecked();
  await tabTo(page, id("delete-block"));
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await tabTo(page, id("delete-count-number"));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await tabTo(page, id("bits"));
  await page.keyboard.press("ArrowRight");
  await expect(lab.byId("bits-w8a8").getByRole("radio")).toBeChecked();
  await page.keyboard.press("ArrowLeft");
  const trace = await cliTrace(join(SAMPLES, "scene-trouser.png"), ["--delete", "block=6,count=3"]);
  await lab.expectTrace("intervention", trace, QUANTIZED);

  // Into a figure, to a deleted patch, and pin it.
  await tabTo(page, `${id("heatmap-intervention")} [role="application"]`);
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  for (let i = 0; i < 1 + trace.deleted[0]!; i++) await page.keyboard.press("ArrowRight");
  await expect(lab.byId("readout")).toContainText(`block 7`);
  await expect(lab.byId("readout")).toContainText(`token ${trace.deleted[0]}`);
  await expect(lab.byId("readout-intervention")).toContainText("deleted");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: "Inspector" })).toContainText("Chosen by you.");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("complementary", { name: "Inspector" })).not.toContainText("Chosen by you.");

  await tabTo(page, id("accuracy-toggle"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", /running|done/);
  await expect(lab.byId("accuracy-fp32-n")).toHaveText(/[1-9]/);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`no serious accessibility violation in ${colorScheme}`, async ({ lab, page }) => {
    await page.emulateMedia({ colorScheme });
    await lab.open("./#delete=5,6,linf&quantize=8,8,per-tensor", { follow: true });
    await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
    await lab.byId("image-input").setInputFiles({
      name: "notes.png",
      mimeType: "image/png",
      buffer: Buffer.from("no image"),
    });
    await expect(lab.messages().getByRole("alert")).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, help, nodes }) => ({ id, help, at: nodes.map(({ target }) => target.join(" ")) }));
    expect(serious).toEqual([]);
  });
}

test("nothing scrolls sideways at 360 px, and the numbers are there", async ({ lab, page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await lab.open();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  await lab.expectTrace("baseline", await cliTrace(IMAGE));
  await expect(lab.byId("stat-baseline-7-max")).toBeVisible();
});

for (const width of [1280, 1440]) {
  test(`the top bar is one row at ${width} px, and what is cut is told whole`, async ({ lab, page }) => {
    await page.setViewportSize({ width, height: 800 });
    await lab.open();
    const rows = await page.evaluate(() => {
      const bar = document.querySelector(".top-bar")!;
      const tops = [...bar.querySelectorAll("h1, button, .segments")].map((element) => {
        const { top, bottom } = element.getBoundingClientRect();
        return (top + bottom) / 2;
      });
      return { spread: Math.max(...tops) - Math.min(...tops), over: bar.scrollWidth - bar.clientWidth };
    });
    expect(rows.spread).toBeLessThan(8);
    expect(rows.over).toBe(0);
    const mark = page.getByTestId("outlier-origin");
    await mark.focus();
    await expect(page.getByRole("tooltip")).toContainText("implanted, then fine-tuned");
    await expect(lab.byId("model-label-detail")).toContainText(/sha256 [0-9a-f]{64}/);
    for (const name of ["System", "Light", "Dark"]) {
      await expect(page.getByRole("radio", { name, exact: true })).toHaveCount(1);
    }
    await expect(page.getByRole("button", { name: "Open model files…" })).toBeVisible();
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const { width, most } of [
    { width: 1024, most: 2 },
    { width: 768, most: 2 },
    { width: 360, most: 5 },
  ]) {
    test(`the top bar has few rows at ${width} px, in the order of the focus (${colorScheme})`, async ({
      lab,
      page,
    }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await lab.open();
      const { centres, over } = await page.evaluate(() => {
        const bar = document.querySelector(".top-bar")!;
        const boxes = [...bar.querySelectorAll("h1, button, .segments")].map((element) =>
          element.getBoundingClientRect(),
        );
        return {
          centres: boxes.map(({ top, bottom }) => (top + bottom) / 2),
          over: bar.scrollWidth - bar.clientWidth,
        };
      });
      expect(over).toBe(0);
      const steps = centres.slice(1).map((centre, i) => centre - centres[i]!);
      expect(Math.min(...steps)).toBeGreaterThan(-8);
      expect(steps.filter((step) => step > 8).length + 1).toBeLessThanOrEqual(most);
      await lab.byId("open-picker").focus();
      await page.keyboard.press("Tab");
      await expect(page.getByRole("button", { name: "Open model files…" })).toBeFocused();
    });
  }
}
