import { readFile } from "node:fs/promises";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { randomCheckpoint } from "../src/families/random-checkpoint.ts";
import { formatBytes } from "../src/figures/format.ts";
import { startTestHub, type TestHub } from "../src/hub/test-hub.ts";
import { writeModel } from "./support/checkpoint-files.ts";
import { cliTrace } from "./support/cli.ts";
import { lookUp, openPicker, savedModels, waitForCheck } from "./support/hub-picker.ts";
import { SAMPLES, sharedFolder } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");
/** 19 MB: several pieces, so that a cancelled download leaves some. */
const OPTIONS = { width: 256, blocks: 6, heads: 4, patch: 8, grid: 4 };

let hub: TestHub;
test.beforeEach(async () => {
  const { bytes, config } = randomCheckpoint(OPTIONS);
  const files = { "model.safetensors": bytes, "config.json": JSON.stringify(config) };
  hub = await startTestHub({
    "owner/vit": { files, licence: "apache-2.0" },
    "owner/gated": { files, gated: true },
    "owner/pickle": { files: { "pytorch_model.bin": "x" } },
  });
});
test.afterEach(() => hub.close());

test("a model is opened by its id, cancelled, resumed, opened again without the Hub, and deleted", async ({
  lab,
}, info) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/vit");
  const { bytes } = randomCheckpoint(OPTIONS);
  await expect(lab.byId("offer-bytes")).toContainText(formatBytes(bytes.byteLength));
  await expect(lab.byId("offer-licence")).toHaveText("apache-2.0");
  await expect(lab.byId("offer")).toContainText("6 blocks, width 256");
  await expect(lab.byId("offer")).toContainText("sha256");
  expect(hub.sent).toBeLessThan(200_000);
  const { violations } = await new AxeBuilder({ page: lab.page }).include("[data-testid=picker]").analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);

  hub.faults.holdsAt = 6_000_000;
  await lab.byId("offer-open").click();
  await expect.poll(() => hub.sent).toBeGreaterThanOrEqual(6_000_000);
  await lab.page.getByRole("button", { name: "Cancel" }).click();
  await expect(lab.byId("open-picker")).toBeVisible();
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  hub.faults.holdsAt = Number.POSITIVE_INFINITY;
  const before = hub.sent;

  await openPicker(lab);
  await expect(savedModels(lab)).toContainText("incomplete");
  await savedModels(lab).getByRole("button", { name: "Resume owner/vit" }).click();
  const folder = await writeModel(info.outputPath("model"), OPTIONS);
  const trace = await cliTrace(IMAGE, [], folder);
  await expect(lab.byId("model-name")).toHaveText(trace.model.label);
  expect(hub.sent - before).toBeLessThan(bytes.byteLength - 4_000_000);
  await lab.expectTrace("baseline", trace);

  await waitForCheck(lab);
  await hub.close();
  await lab.open();
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  await openPicker(lab);
  await expect(savedModels(lab)).not.toContainText("incomplete");
  await savedModels(lab).getByRole("button", { name: "Open owner/vit" }).click();
  await expect(lab.byId("model-name")).toHaveText(trace.model.label);
  await lab.expectTrace("baseline", trace);

  await openPicker(lab);
  await savedModels(lab).getByRole("button", { name: "Delete owner/vit" }).click();
  await expect(savedModels(lab).getByRole("button")).toHaveCount(0);
  await lookUp(lab, hub, "owner/vit");
  await expect(lab.byId("offer-error")).toContainText("CORS");
  expect(
    await lab.page.evaluate(async () => (await caches.keys()).filter((name) => name.includes("vit"))),
  ).toEqual([]);
  hub = await startTestHub({});
});

test("blocks of a model run while its weights arrive, and become its figures", async ({ lab }, info) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/vit");
  hub.faults.holdsAt = 12_000_000;
  await lab.byId("offer-open").click();
  await expect(lab.byId("arriving-blocks")).toHaveText(/^[1-5] of 6 blocks/);
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  hub.faults.holdsAt = Number.POSITIVE_INFINITY;
  const trace = await cliTrace(IMAGE, [], await writeModel(info.outputPath("model"), OPTIONS));
  await expect(lab.byId("model-name")).toHaveText(trace.model.label);
  await expect(lab.byId("arriving")).toHaveCount(0);
  await lab.expectTrace("baseline", trace);
});

test("what cannot be opened is said before anything is downloaded, and the model stays", async ({ lab }) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  await openPicker(lab);
  const refused = async (id: string, text: RegExp) => {
    await lookUp(lab, hub, id);
    await expect(lab.byId("offer-error")).toContainText(text);
  };
  await refused("owner/gated", /gated: accept its terms/);
  await refused("owner/nothing", /does not exist or is private/);
  await refused("owner/pickle", /safetensors/);
  await refused("owner/vit@v9", /branch, tag or commit/);
  await refused("not an id", /owner\/name/);
  hub.faults.ignoresRange = true;
  await refused("owner/vit", /ignores range requests/);
  hub.faults.ignoresRange = false;
  hub.faults.cors = false;
  await refused("owner/vit", /CORS/);
  hub.faults.cors = true;
  await lab.page.keyboard.press("Escape");
  await expect(lab.byId("picker")).toHaveCount(0);
  await expect(lab.byId("model-name")).toHaveText(bundled!);
});

test("a model that is damaged on the way is refused, and the one before stays", async ({ lab }) => {
  await lab.open();
  const bundled = await lab.byId("model-name").textContent();
  hub.faults.corrupts = true;
  await openPicker(lab);
  await lookUp(lab, hub, "owner/vit");
  await lab.byId("offer-open").click();
  await expect(lab.messages()).toContainText("as the Hub states it");
  await expect(lab.messages()).toContainText("The model that was open before is opened again");
  await expect(lab.byId("model-name")).toHaveText(bundled!);
  await lab.expectTrace("baseline", await cliTrace(IMAGE));
  await openPicker(lab);
  await expect(savedModels(lab).getByRole("button")).toHaveCount(0);
});

test("a real checkpoint is opened by its id", async ({ lab }) => {
  const model = sharedFolder("models", "vit-tiny-augreg-tinyimagenet");
  test.skip(!model, "vit-tiny-augreg-tinyimagenet is not on this machine");
  const weights = await readFile(join(model!, "model.safetensors"));
  hub.repositories.set("owner/real", { files: { "model.safetensors": weights } });
  await lab.open();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/real");
  await expect(lab.byId("offer-licence")).toHaveText("not stated by its page");
  await expect(lab.byId("offer")).toContainText("Assumed");
  await lab.byId("offer-open").click();
  await expect(lab.byId("encoder-shape")).toContainText("12 blocks, width 192, 3 heads");
  await lab.expectTrace("baseline", await cliTrace(IMAGE, [], model!));
});
