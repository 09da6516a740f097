import { readFile } from "node:fs/promises";
import { join } from "node:path";
import samples from "../public/samples/samples.json" with { type: "json" };
import { cliTrace } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");

test("registers are curated from own images, saved, and opened again", async ({ lab, page }, info) => {
  await lab.open();
  await lab.clearIntervention();
  await lab.setNumber("curate-block", 5);
  await lab.setNumber("curate-top", 12);
  await lab.byId("curate-input").setInputFiles(samples.map(({ file }) => join(SAMPLES, file)));
  await expect(lab.messages()).toContainText(`Registers ready: after block 5, ${samples.length} images.`);
  await expect(lab.byId("registers-info")).toContainText(
    `12 tokens of ${samples.length} images, chosen after block 5.`,
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
  await expect(lab.messages()).toContainText("Registers ready: after block 5");
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
