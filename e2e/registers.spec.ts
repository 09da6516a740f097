import { readFile } from "node:fs/promises";
import { join } from "node:path";
import samples from "../public/samples/samples.json" with { type: "json" };
import { lab as cli, cliTrace } from "./support/cli.ts";
import { BUNDLED_MODEL, SAMPLES } from "./support/paths.ts";
import { sceneFiles, writeFiles, zipOf } from "./support/scene-files.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");

test("registers are curated from own images, saved, and opened again", async ({ lab, page }, info) => {
  await lab.open();
  await lab.clearIntervention();
  await lab.setNumber("curate-block", 5);
  await lab.setNumber("curate-top", 12);
  await lab.byId("curate-input").setInputFiles(samples.map(({ file }) => join(SAMPLES, file)));
  await expect(lab.messages()).toContainText(
    `Registers ready: after blocks 2 to 5, ${samples.length} images of chosen files.`,
  );
  await expect(lab.byId("registers-info")).toContainText(
    `12 tokens of ${samples.length} images, chosen after blocks 2 to 5.`,
  );
  await expect(lab.byId("no-registers")).toHaveCount(0);
  await expect(lab.byId("prefix-switch").getByRole("switch")).toBeChecked();
  const before = lab.intervention();

  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const download = await saving;
  const file = info.outputPath("curated-registers.safetensors");
  await download.saveAs(file);
  expect(download.suggestedFilename()).toBe(`registers-${before.prefix!.registers.slice(0, 8)}.safetensors`);

  // The command line reads the saved file and comes to the page's numbers with it.
  const { from, to, count } = before.prefix!;
  const trace = await cliTrace(IMAGE, [
    ...["--registers", file],
    ...["--prefix", `from=${from},to=${to},count=${count}`],
  ]);
  await lab.expectTrace("intervention", trace);

  await page.goto("about:blank");
  await lab.open();
  await lab.clearIntervention();
  await lab.drop([{ name: "registers.safetensors", type: "", bytes: await readFile(file) }]);
  await expect(lab.messages()).toContainText("Registers ready: after blocks 2 to 5");
  await expect.poll(() => lab.intervention().prefix?.registers).toBe(before.prefix!.registers);
  await lab.setSlider("First block with the prefix", from);
  await lab.setSlider("Last block with the prefix", to);
  await lab.setNumber("prefix-count-number", count);
  await lab.expectTrace("intervention", trace);
});

test("two distinct registers are curated, and the prefix holds one or both", async ({ lab, page }, info) => {
  await lab.open();
  await lab.clearIntervention();
  await expect(lab.byId("prefix-distinct")).toHaveCount(0);
  await lab.setNumber("curate-block", 5);
  await lab.setNumber("curate-top", 12);
  await lab.setNumber("curate-distinct", 2);
  await lab.byId("curate-input").setInputFiles(samples.map(({ file }) => join(SAMPLES, file)));
  await expect(lab.byId("registers-info")).toContainText("12 tokens");
  await expect(lab.byId("registers-info")).toContainText("in 2 distinct registers");

  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const file = info.outputPath("registers-two.safetensors");
  await (await saving).saveAs(file);
  const shown = async (distinct: number) => {
    await lab.setNumber("prefix-distinct", distinct);
    await expect.poll(() => lab.intervention().prefix?.distinct ?? 1).toBe(distinct);
    const { from, to, count } = lab.intervention().prefix!;
    const prefix = `from=${from},to=${to},count=${count},registers=${distinct}`;
    await lab.expectTrace("intervention", await cliTrace(IMAGE, ["--registers", file, "--prefix", prefix]));
    return lab.rows("intervention");
  };
  const one = await shown(1);
  const both = await shown(2);
  expect(both).not.toEqual(one);
  expect(await shown(1)).toEqual(one);
});

test("several sets are chosen by keyboard, and how alike the tokens of each are is said", async ({
  lab,
  page,
}, info) => {
  const folders = [
    await writeFiles(info.outputPath("bags"), await sceneFiles(["bag"], 5)),
    await writeFiles(info.outputPath("coats"), await sceneFiles(["coat"], 4)),
  ];
  await lab.open();
  await lab.clearIntervention();
  await lab.setNumber("curate-block", 5);
  await lab.setNumber("curate-top", 12);
  await lab.setSwitch("curate-several", true);
  await expect(lab.byId("curate-use")).toBeDisabled();
  for (const folder of [...folders, folders[0]!]) await lab.byId("curate-folder").setInputFiles(folder);
  await expect(lab.byId("curate-sources").getByRole("listitem")).toHaveText([/bags/, /coats/, /bags/]);
  await lab.byId("curate-use").press("Enter");
  await expect(lab.messages()).toContainText("sets without common images");
  await page.getByRole("button", { name: "Remove bags" }).last().press("Enter");
  await expect(lab.byId("curate-use")).toHaveText("Curate from 2 sets");
  await lab.byId("curate-use").press("Enter");
  await expect(lab.messages()).toContainText("after blocks 2 to 5, 5 images of bags, 4 images of coats.");
  const { registers } = await cli<{
    registers: { sets: { name: string; images: number; candidates: number; cosine: { normal: number } }[] };
  }>([
    ...["curate", "--model", BUNDLED_MODEL, "--data", ...folders, "--from", "2", "--block", "5"],
    ...["--top", "12", "--out", info.outputPath("cli-registers.safetensors")],
  ]);
  const shown = await lab.byId("registers-set").allTextContents();
  expect(shown).toHaveLength(2);
  for (const [i, { name, images, candidates, cosine }] of registers.sets.entries()) {
    expect(shown[i]).toContain(`${name}: ${candidates} tokens of ${images} images, cosine `);
    expect(Number(/and ([-\d.]+)\.$/.exec(shown[i]!)![1])).toBeCloseTo(cosine.normal, 2);
  }
});

test("registers are curated from any images and blocks, as `lab curate` does", async ({
  lab,
  page,
}, info) => {
  const files = await sceneFiles(["bag", "coat"], 6);
  const folder = await writeFiles(info.outputPath("scenes"), files);
  await lab.open();
  await lab.clearIntervention();
  await lab.setNumber("curate-block", 5);
  await expect(lab.byId("curate-from")).toHaveValue("2");
  await lab.setNumber("curate-from", 3);
  await lab.setNumber("curate-top", 12);
  await lab.byId("curate-folder").setInputFiles(folder);
  await expect(lab.messages()).toContainText("Registers ready: after blocks 3 to 5, 12 images of scenes.");
  const { registers } = await cli<{ registers: { cosine: { outliers: number; normal: number } } }>([
    ...["curate", "--model", BUNDLED_MODEL, "--data", folder, "--from", "3", "--block", "5", "--top", "12"],
    ...["--out", info.outputPath("cli-registers.safetensors")],
  ]);
  const shown = (await lab.byId("registers-info").textContent())!;
  const [outliers, normal] = /them ([\d.]+), among other tokens ([\d.]+)\.$/
    .exec(shown)!
    .slice(1)
    .map(Number);
  expect(outliers).toBeCloseTo(registers.cosine.outliers, 2);
  expect(normal).toBeCloseTo(registers.cosine.normal, 2);

  // Images that lie in no class folder, in a zip; then those of the data set in use, which are its probe images.
  const flat = files.map(({ path, bytes }) => ({ path: path.replace("/", "-"), bytes }));
  const zip = zipOf(flat, "");
  await lab.setNumber("curate-limit", 8);
  const chosen = { name: zip.name, mimeType: zip.type, buffer: Buffer.from(zip.bytes) };
  await lab.byId("curate-zip").setInputFiles(chosen);
  await expect(lab.messages()).toContainText("after blocks 3 to 5, 8 images of scenes.zip.");
  await lab.byId("curate-dataset").click();
  await expect(lab.messages()).toContainText("after blocks 3 to 5, 8 images of scenes-probe.");
  await lab.dismissMessages();

  // Both passes are told; what was there stays when it is cancelled.
  const before = await lab.byId("registers-info").textContent();
  await lab.setNumber("curate-limit", 200);
  await lab.byId("curate-dataset").click();
  const progress = lab.byId("curating");
  await expect(progress).toContainText(/pass 1 of 2, candidates: \d+ of 200 images/);
  await progress.getByRole("button", { name: "Cancel" }).press("Enter");
  await expect(progress).toHaveCount(0);
  await expect(lab.byId("curate-dataset")).toBeEnabled();
  await expect(lab.byId("registers-info")).toHaveText(before!);
  await expect(page.getByRole("alert")).toHaveCount(0);
});
