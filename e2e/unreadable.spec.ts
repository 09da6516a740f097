import { writeDamaged } from "../src/cli/test-damaged.ts";
import { sceneFiles, writeFiles, zipOf } from "./support/scene-files.ts";
import { expect, test } from "./support/test.ts";

const LEFT_OUT =
  /^2 unreadable images are left out: .*cut\.(png|jpg): expected an image that this browser can/;

test("damaged images are left out and counted where registers are curated and quantizers calibrated", async ({
  lab,
}, info) => {
  const folder = await writeFiles(info.outputPath("mixed"), await sceneFiles(["bag", "coat"], 4));
  await writeDamaged(`${folder}/bag`);
  await lab.open();
  await lab.clearIntervention();
  await lab.byId("curate-folder").setInputFiles(folder);
  await expect(lab.messages()).toContainText("8 images of mixed.");
  await expect(lab.byId("registers-skipped")).toHaveText(LEFT_OUT);

  await lab.byId("bits-w8a8").click();
  await lab.byId("quantizer-details").locator("summary").click();
  await lab.byId("range").getByRole("button").click();
  await lab.page.getByRole("option", { name: /^static min-max/ }).click();
  await lab.byId("calibration-folder").setInputFiles(folder);
  await expect(lab.byId("calibration-images")).toHaveText("Over 8 images of mixed.");
  await expect(lab.byId("calibration-skipped")).toHaveText(LEFT_OUT);
  await lab.waitForRuns();

  const broken = info.outputPath("broken");
  await writeDamaged(broken);
  const before = await lab.byId("registers-info").textContent();
  await lab.byId("curate-folder").setInputFiles(broken);
  await expect(lab.messages()).toContainText(
    "Images of broken: expected at least one image that can be decoded, got 2 that cannot",
  );
  await expect(lab.byId("registers-info")).toHaveText(before!);
});

test("and where settings are chosen", async ({ lab }) => {
  test.setTimeout(240_000);
  const files = await sceneFiles(["bag", "coat"], 10);
  // Of the two of each class that seed 0 holds out, at least one is damaged and one is not.
  const damaged = files.map((file, i) =>
    i % 10 < 6 ? { ...file, bytes: file.bytes.subarray(0, file.bytes.byteLength / 2) } : file,
  );
  await lab.open();
  await lab.clearIntervention();
  await lab.drop([zipOf(damaged)]);
  await expect(lab.byId("dataset-info")).toHaveText("scenes.zip: 20 images in 2 classes");
  await lab.byId("experiment-by-block").click();
  await lab.byId("run-sensitivity").click();
  const result = lab.byId("result-sensitivity");
  await expect(result).toHaveAttribute("data-done", "true", { timeout: 120_000 });
  const text = (await lab.byId("sensitivity-skipped").textContent())!;
  expect(text).toMatch(/unreadable images? (is|are) left out: .*\.png: expected an image/);
  const left = 4 - Number(/^\d+/.exec(text)![0]);
  await expect(result).toContainText(`${left} of ${left} images`);
});
