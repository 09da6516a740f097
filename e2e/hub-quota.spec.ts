import { join } from "node:path";
import type { Page } from "@playwright/test";
import { randomCheckpoint } from "../src/families/random-checkpoint.ts";
import { startTestHub, type TestHub } from "../src/hub/test-hub.ts";
import { writeModel } from "./support/checkpoint-files.ts";
import { cliTrace } from "./support/cli.ts";
import { lookUp, openPicker, savedModels } from "./support/hub-picker.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");
/** 19 MB: several pieces of 4 MB. */
const OPTIONS = { width: 256, blocks: 6, heads: 4, patch: 8, grid: 4 };
const { bytes, config } = randomCheckpoint(OPTIONS);
const MB = 1_000_000;

let hub: TestHub;
test.beforeEach(async () => {
  hub = await startTestHub({
    "owner/vit": { files: { "model.safetensors": bytes, "config.json": JSON.stringify(config) } },
  });
});
test.afterEach(() => hub.close());

/** Sets how much the browser lets this page store beyond what it does now; it holds for real writes, too. */
async function quotaOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  const origin = new URL(page.url()).origin;
  return {
    leave: async (room: number) => {
      const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + room });
    },
    lift: () => session.send("Storage.overrideQuotaForOrigin", { origin }),
  };
}

test("a download that does not fit is refused before it starts, and starts when there is room", async ({
  lab,
}) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  const quota = await quotaOf(lab.page);
  await quota.leave(8 * MB);
  await openPicker(lab);
  await lookUp(lab, hub, "owner/vit");
  await expect(lab.byId("offer")).toContainText(/There is room for [78](\.\d+)? MB only/);
  await expect(lab.byId("offer")).toContainText("delete saved models or free disk space");
  await expect(lab.byId("offer-open")).toBeDisabled();

  // Room that is gone after the look-up.
  await quota.lift();
  await lookUp(lab, hub, "owner/vit");
  await expect(lab.byId("offer-open")).toBeEnabled();
  await quota.leave(8 * MB);
  const before = hub.sent;
  await lab.byId("offer-open").click();
  await expect(lab.messages()).toContainText(/Storage of the browser.*room for \d+ MB.*Delete saved models/);
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  expect(hub.sent - before).toBeLessThan(MB);

  await quota.lift();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/vit");
  await lab.byId("offer-open").click();
  await expect(lab.byId("encoder-shape")).toContainText("6 blocks, width 256");
});

test("a quota that runs out in the middle keeps what came and the model in use; the download goes on there", async ({
  lab,
}, info) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  const quota = await quotaOf(lab.page);
  await openPicker(lab);
  await lookUp(lab, hub, "owner/vit");
  hub.faults.holdsAt = 6 * MB;
  await lab.byId("offer-open").click();
  await expect.poll(() => hub.sent).toBeGreaterThanOrEqual(6 * MB);
  await quota.leave(MB);
  hub.faults.holdsAt = 14 * MB;
  await expect(lab.messages()).toContainText(
    /Storage of the browser.*room for the model.*Delete saved models.*what was downloaded is kept/,
  );
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  expect(hub.sent).toBeLessThan(bytes.byteLength);

  // Still full: said again, before anything is fetched.
  hub.faults.holdsAt = Number.POSITIVE_INFINITY;
  const stopped = hub.sent;
  await openPicker(lab);
  await expect(savedModels(lab)).toContainText("incomplete");
  await savedModels(lab).getByRole("button", { name: "Resume owner/vit" }).click();
  await expect(lab.messages()).toContainText(/room for \d+ MB, got [01] MB/);
  expect(hub.sent - stopped).toBeLessThan(MB);

  // The model in use still runs.
  await lab.expectTrace("baseline", await cliTrace(IMAGE));

  await quota.lift();
  const before = hub.sent;
  await openPicker(lab);
  await savedModels(lab).getByRole("button", { name: "Resume owner/vit" }).click();
  const trace = await cliTrace(IMAGE, [], await writeModel(info.outputPath("model"), OPTIONS));
  await expect(lab.byId("model-name")).toHaveText(trace.model.label);
  expect(hub.sent - before).toBeLessThan(bytes.byteLength - 3 * MB);
  await lab.expectTrace("baseline", trace);
});
