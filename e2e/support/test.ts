import { test as base } from "@playwright/test";
import { LabPage } from "./lab-page.ts";

/** Playwright's test with the page of the lab. */
export const test = base.extend<{ lab: LabPage }>({
  lab: async ({ page }, use) => {
    await use(new LabPage(page));
  },
});

export { expect } from "@playwright/test";
