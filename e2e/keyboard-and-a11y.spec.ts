import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { QUANTIZED } from "./support/agreement.ts";
import { cliTrace } from "./support/cli.ts";
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

  /** Presses Tab until the focus is inside of an element. */
  async function tabTo(selector: string): Promise<void> {
    for (let i = 0; i < 90; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((css) => document.activeElement?.closest(css) !== null, selector)) return;
    }
    throw new Error(`${selector} was not reached by Tab`);
  }
  const id = (name: string) => `[data-testid="${name}"]`;

  await tabTo(id("sample-scene-trouser.png"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("image-name")).toContainText("scene-trouser.png");
  await tabTo(id("delete-switch"));
  await page.keyboard.press("Space");
  await expect(lab.byId("delete-switch").getByRole("switch")).toBeChecked();
  await tabTo(id("delete-block"));
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await tabTo(id("delete-count-number"));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await tabTo(id("bits"));
  await page.keyboard.press("ArrowRight");
  await expect(lab.byId("bits-w8a8").getByRole("radio")).toBeChecked();
  await page.keyboard.press("ArrowLeft");
  const trace = await cliTrace(join(SAMPLES, "scene-trouser.png"), ["--delete", "block=6,count=3"]);
  await lab.expectTrace("intervention", trace, QUANTIZED);

  // Into a figure, to a deleted patch, and pin it.
  await tabTo(`${id("heatmap-intervention")} [role="application"]`);
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

  await tabTo(id("accuracy-toggle"));
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
