import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestInfo } from "@playwright/test";
import type { Readout } from "../src/evaluate/readout.ts";
import { startTestHub, type TestHub } from "../src/hub/test-hub.ts";
import { lab as runLab } from "./support/cli.ts";
import { clipCheckpoint, writeClip } from "./support/clip-checkpoint.ts";
import { lookUp, openPicker, savedModels, waitForCheck } from "./support/hub-picker.ts";
import type { LabPage } from "./support/lab-page.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

/** A text tower downloaded with a model of the Hub or later, and zero-shot classification without the Hub afterwards. */

let hub: TestHub;
test.beforeEach(async () => {
  hub = await startTestHub({ "owner/clip": { files: clipCheckpoint() } });
});
test.afterEach(() => hub.close());

const switchOf = (lab: LabPage) => lab.byId("offer-with-text").getByRole("switch");

/** Classifies by these classes, and expects what the command line reads off the same files. */
async function classify(lab: LabPage, words: readonly string[], info: TestInfo): Promise<void> {
  const file = info.outputPath("classes.txt");
  const model = await writeClip(info.outputPath("clip"));
  writeFileSync(file, words.join("\n"));
  const args = ["trace", "--model", model, "--image", join(SAMPLES, "scene-t-shirt.png"), "--classes", file];
  const { readout } = await runLab<{ readout: Readout }>(args);
  await lab.byId("class-names").fill(words.join("\n"));
  await lab.byId("embed-classes").click();
  await expect(lab.byId("top-head")).toHaveText(`zero-shot over ${words.length} classes, 1 template`);
  const best = lab.byId("top-baseline").locator("li").first();
  await expect(best).toHaveAttribute("data-label", readout.top[0]!.label);
  const shown = Number(await best.getAttribute("data-probability"));
  expect(Math.abs(shown - readout.top[0]!.probability)).toBeLessThan(1e-4);
}

test("a text tower is downloaded with its model on request, and classifies without the Hub", async ({
  lab,
}, info) => {
  await lab.open();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/clip");
  await expect(lab.byId("offer-text")).toContainText(/with the text tower \(\+7\.0 MB\)/);
  await expect(switchOf(lab)).not.toBeChecked();
  const alone = await lab.byId("offer-open").textContent();
  await lab.setSwitch("offer-with-text", true);
  await expect(lab.byId("offer-open")).not.toHaveText(alone!);
  await expect(lab.byId("offer")).toContainText("sha256, as the Hub states it, is checked");

  // Cancelled in the middle, and resumed from the list: the tower is still wanted.
  hub.faults.holdsAt = 2_000_000;
  await lab.byId("offer-open").click();
  await expect(lab.page.locator(".model-mark .work")).toContainText("Downloading the encoder and text tower");
  await lab.page.getByRole("button", { name: "Cancel" }).click();
  hub.faults.holdsAt = Number.POSITIVE_INFINITY;
  await openPicker(lab);
  await expect(savedModels(lab)).toContainText("with text tower, incomplete");
  await savedModels(lab).getByRole("button", { name: "Resume owner/clip" }).click();
  await expect(lab.byId("embed-classes")).toBeVisible();
  await expect(lab.byId("text-missing")).toHaveCount(0);

  await waitForCheck(lab);
  await hub.close();
  await lab.open();
  await openPicker(lab);
  await expect(savedModels(lab)).toContainText(", with text tower");
  await savedModels(lab).getByRole("button", { name: "Open owner/clip" }).click();
  await classify(lab, ["church", "golf ball", "chain saw"], info);
  await classify(lab, ["tench", "a very long shot", "French horn"], info);
  hub = await startTestHub({});
});

test("a text tower is downloaded later: what Classify needs, all of it from the panel, or from the list", async ({
  lab,
}, info) => {
  await lab.open();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/clip");
  await lab.byId("offer-open").click();
  await expect(lab.byId("text-missing")).toContainText(/Classify downloads \d\.\d+ MB of the text tower/);
  const before = hub.sent;
  await openPicker(lab);
  await expect(savedModels(lab)).toContainText("without text tower");
  await savedModels(lab).getByRole("button", { name: "Text tower of owner/clip" }).click();
  await expect(switchOf(lab)).toBeChecked();
  await expect(lab.byId("offer-open")).toHaveText(/^Download 7\.0 MB$/);
  expect(hub.sent).toBe(before); // what is saved is looked up without the Hub
  await lab.page.keyboard.press("Escape");

  await classify(lab, ["church", "golf ball", "chain saw"], info);
  await expect(lab.byId("text-missing")).toContainText("words that no class list has used yet");
  await openPicker(lab);
  await expect(savedModels(lab)).toContainText("text tower incomplete");
  await lab.page.keyboard.press("Escape");
  await lab.byId("download-text").click();
  await expect(lab.byId("text-missing")).toHaveCount(0);
  await openPicker(lab);
  await expect(savedModels(lab)).toContainText("with text tower");
  await expect(savedModels(lab).getByRole("button", { name: "Text tower of owner/clip" })).toHaveCount(0);
  await lab.page.keyboard.press("Escape");
  await hub.close();
  await classify(lab, ["tench", "a very long shot", "French horn"], info);
  hub = await startTestHub({});
});

test("a text tower that cannot be had is said, and the model and what is here stay", async ({ lab }) => {
  await lab.open();
  await openPicker(lab);
  await lookUp(lab, hub, "owner/clip");
  await lab.byId("offer-open").click();
  await expect(lab.byId("text-missing")).toBeVisible();
  await lab.waitForRuns();
  const name = await lab.byId("model-name").textContent();
  await hub.close();
  await lab.byId("download-text").click();
  await expect(lab.messages()).toContainText(/CORS|connection/);
  await lab.dismissMessages();
  await lab.byId("embed-classes").click();
  await expect(lab.messages()).toContainText(/CORS|connection/);
  await expect(lab.byId("embed-classes")).toBeVisible();
  await expect(lab.byId("model-name")).toHaveText(name!);
  await expect(lab.byId("heatmap-baseline")).toHaveAttribute("data-state", "done");
  hub = await startTestHub({});
});
