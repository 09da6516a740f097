import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { randomCheckpoint } from "../src/families/random-checkpoint.ts";
import { SMALL } from "../src/hub/catalogue.ts";
import { startTestHub, type TestHub } from "../src/hub/test-hub.ts";
import { clipCheckpoint } from "./support/clip-checkpoint.ts";
import { tabTo } from "./support/keyboard.ts";
import { expect, test } from "./support/test.ts";

/** The dialog that chooses a model, by the keyboard alone. */

/** The first model of the list. */
const VIT_TINY = SMALL[0]!.id;

let hub: TestHub;
test.beforeEach(async () => {
  const { bytes, config } = randomCheckpoint();
  hub = await startTestHub({
    "owner/clip": { files: clipCheckpoint(), licence: "mit" },
    [VIT_TINY]: { files: { "model.safetensors": bytes, "config.json": JSON.stringify(config) } },
  });
});
test.afterEach(() => hub.close());

const id = (name: string) => `[data-testid="${name}"]`;
const saved = (name: string) => `${id("saved")} button[aria-label="${name}"]`;

/** What has the focus: its test id, its accessible name or its text. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return (
      element?.getAttribute("data-testid") ?? element?.getAttribute("aria-label") ?? element?.textContent
    );
  });

/** Accessibility violations inside of an element. */
async function serious(page: Page, selector: string) {
  const { violations } = await new AxeBuilder({ page }).include(selector).analyze();
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical");
}

/** Collects every text that a status region is given. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const heard: string[] = [];
    Object.assign(window, { heard });
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const element = target instanceof Element ? target : target.parentElement;
        const region = element?.closest("[role=status]");
        const added = [...addedNodes].map((node) => (node as Element).querySelector?.("[role=status]"));
        for (const told of [region, ...added]) {
          const text = told?.textContent?.trim();
          if (text && heard.at(-1) !== text) heard.push(text);
        }
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => (window as unknown as { heard: string[] }).heard);
}

test("a model is found, downloaded, cancelled, resumed and deleted by keyboard; the focus is never lost", async ({
  lab,
  page,
}) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  const heard = await listen(page);
  await tabTo(page, id("open-picker"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("picker")).toBeVisible();
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.closest("[role=dialog]") !== null))
    .toBe(true);

  await tabTo(page, id("hub-url"));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(hub.url);
  // The list is one stop, its entries are reached by arrows; Enter looks one up at the hub that is named.
  await tabTo(page, ".catalogue");
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => focused(page)).toContain("AugReg");
  await page.keyboard.press("Enter");
  await expect(lab.byId("offer").getByRole("link")).toHaveText(VIT_TINY);

  await tabTo(page, id("hub-model-id"));
  await page.keyboard.type("owner/clip");
  await page.keyboard.press("Enter");
  await expect(lab.byId("offer-licence")).toHaveText("mit");
  expect((await heard()).join("\n")).toMatch(/Looking up owner\/clip\.\n.*Found owner\/clip/);
  await tabTo(page, id("offer-with-text"));
  await page.keyboard.press("Space");
  await expect(lab.byId("offer-open")).toHaveText(/^Download [89]\.\d+ MB$/);
  await expect.poll(() => serious(page, id("picker"))).toEqual([]);

  hub.faults.holdsAt = 5_000_000;
  await tabTo(page, id("offer-open"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("picker")).toHaveCount(0);
  await expect.poll(() => focused(page)).toBe("open-picker");
  // Small files that are asked for meanwhile are sent beyond it.
  await expect.poll(() => hub.sent).toBeGreaterThanOrEqual(5_000_000);
  await tabTo(page, ".work button");
  await page.keyboard.press("Enter");
  await expect(page.locator(".model-mark .work")).toHaveCount(0);
  expect(await focused(page)).toBe("open-picker");
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  hub.faults.holdsAt = Number.POSITIVE_INFINITY;

  await page.keyboard.press("Enter");
  await tabTo(page, saved("Resume owner/clip"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("picker")).toHaveCount(0);
  await expect(lab.byId("model-announcement")).toHaveText("owner/clip is open.");
  await expect(lab.byId("model-name")).toHaveText("owner/clip");
  await expect.poll(() => focused(page)).toBe("open-picker");
  // A stage at a time, and of a download its quarters: not every step.
  const downloads = (await heard()).filter((text) =>
    text.startsWith("Downloading the encoder and text tower"),
  );
  expect(downloads.length).toBeGreaterThan(2);
  expect(downloads.every((text) => /(: (0|25|50|75|100) %|tower)$/.test(text))).toBe(true);
  expect(downloads.length).toBeLessThan(12);

  await page.keyboard.press("Enter");
  await tabTo(page, saved("Delete owner/clip"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("saved")).toContainText("None.");
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.closest("[data-testid=saved]") !== null))
    .toBe(true);
  await page.keyboard.press("Escape");
  await expect(lab.byId("picker")).toHaveCount(0);
  await expect.poll(() => focused(page)).toBe("open-picker");
});

test("classes are embedded by keyboard, and cancelling brings the focus back", async ({ lab, page }) => {
  await lab.open();
  await tabTo(page, id("open-picker"));
  await page.keyboard.press("Enter");
  await tabTo(page, id("hub-model-id"));
  await page.keyboard.type("owner/clip");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(hub.url);
  await page.keyboard.press("Enter");
  await expect(lab.byId("offer-licence")).toHaveText("mit");
  await tabTo(page, id("offer-open"));
  await page.keyboard.press("Enter");
  await expect(lab.byId("text-missing")).toBeVisible();
  await lab.waitForRuns();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await expect.poll(() => serious(page, "section:has(#classes-heading)")).toEqual([]);
  }

  hub.faults.holdsAt = hub.sent + 1_000_000;
  await tabTo(page, id("download-text"));
  await page.keyboard.press("Enter");
  await tabTo(page, `${id("text-missing")} .work button`);
  await page.keyboard.press("Enter");
  await expect(lab.byId("text-missing").locator(".work")).toHaveCount(0);
  expect(await focused(page)).toBe("download-text");
  hub.faults.holdsAt = Number.POSITIVE_INFINITY;
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  expect(await focused(page)).toBe("embed-classes");
  await page.keyboard.press("Enter");
  await expect(lab.byId("top-head")).toHaveText("zero-shot over 10 classes, 1 template");
  expect(await focused(page)).toBe("embed-classes");
});
