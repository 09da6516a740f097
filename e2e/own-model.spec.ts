import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeModel } from "./support/checkpoint-files.ts";
import { cliTrace } from "./support/cli.ts";
import { SAMPLES, sharedFolder } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");

test("a checkpoint with its config.json is opened, and shows the command line's numbers", async ({
  lab,
}, info) => {
  const folder = await writeModel(info.outputPath("model"), {
    width: 64,
    blocks: 3,
    heads: 2,
    patch: 8,
    grid: 5,
    registers: 2,
    layerScale: true,
  });
  await lab.open();
  const files = ["model.safetensors", "config.json"].map((file) => join(folder, file));
  await lab.byId("model-input").setInputFiles(files);
  const trace = await cliTrace(IMAGE, [], folder);
  await expect(lab.byId("model-name")).toHaveText(trace.model.label);
  expect(trace.model.label).toBe("vit_random_patch8_40");
  await expect(lab.byId("encoder-shape")).toContainText("3 blocks, width 64, 2 heads, 5 × 5 patches of 8 px");
  await expect(lab.byId("image-name")).toContainText("seen as 40 × 40");
  await lab.expectTrace("baseline", trace);
  await lab.expectFc2("baseline", trace);
  await expect(lab.byId("no-registers")).toBeVisible();

  await lab.setSwitch("delete-switch", true);
  await lab.chooseRule("linf");
  await lab.setSlider("Block of the deletion", 1);
  await lab.setNumber("delete-count-number", 5);
  const deleted = await cliTrace(IMAGE, ["--delete", "block=1,count=5"], folder);
  await lab.expectFc2("intervention", deleted);
  await lab.pin(1, 1);
  // CLS and two trained registers come before the patches.
  await expect
    .poll(() => lab.hatchedPatches("intervention", 5))
    .toEqual([...deleted.deleted].sort((a, b) => a - b).map((token) => token - 3));
});

test("a dropped checkpoint without config.json runs, and the page says what it assumed", async ({
  lab,
}, info) => {
  const options = { width: 128, blocks: 2, heads: 2, patch: 8, grid: 4, seed: 5 };
  const folder = await writeModel(info.outputPath("model"), options, { config: false });
  await lab.open();
  const bytes = await readFile(join(folder, "model.safetensors"));
  await lab.drop([{ name: "model.safetensors", type: "", bytes }]);
  await expect(lab.byId("encoder-shape")).toContainText("2 blocks, width 128, 2 heads");
  const trace = await cliTrace(IMAGE, [], folder);
  await expect(lab.byId("model-name")).toHaveText(trace.model.label);
  await lab.expectTrace("baseline", trace);
  await expect(lab.byId("assumptions")).toContainText("mean = std = 0.5");

  await lab.byId("normalisation").getByRole("button").click();
  await lab.page.getByRole("option", { name: /ImageNet/ }).click();
  await expect(lab.byId("assumptions")).not.toContainText("mean = std = 0.5");
  await lab.expectTrace("baseline", await cliTrace(IMAGE, ["--normalisation", "imagenet"], folder));
});

test("a real checkpoint shows its massive activations", async ({ lab }) => {
  const model = sharedFolder("models", "vit-tiny-augreg-tinyimagenet");
  const images = sharedFolder("images", "imagenette/val");
  test.skip(!model || !images, "vit-tiny-augreg-tinyimagenet and imagenette are not on this machine");
  test.setTimeout(240_000);
  const image = readdirSync(images!, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.jpe?g$/i.test(file))
    .sort()[0]!;
  const path = join(images!, image);
  await lab.open();
  await lab.byId("model-input").setInputFiles(join(model!, "model.safetensors"));
  const trace = await cliTrace(path, [], model!);
  await expect(lab.byId("encoder-shape")).toContainText("12 blocks, width 192, 3 heads");
  await lab.byId("image-input").setInputFiles(path);
  await lab.expectTrace("baseline", trace);
  const rows = await lab.rows("baseline");
  for (const [block, { max }] of rows.entries()) {
    if (block < 7) expect(Number(max), `after block ${block}`).toBeLessThan(20);
    else expect(Number(max), `after block ${block}`).toBeGreaterThan(300);
  }
  expect(rows[7]!.channel).toBe("41");
  await lab.expectFc2("baseline", trace);
  expect(Number((await lab.rows("baseline"))[7]!.max)).toBeGreaterThan(100);
});
