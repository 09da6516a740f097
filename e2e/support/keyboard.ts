import type { Page } from "@playwright/test";

/** Presses Tab until the focus is inside of an element. @param selector CSS */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((css) => document.activeElement?.closest(css) != null, selector)) return;
  }
  throw new Error(`${selector} was not reached by Tab`);
}
