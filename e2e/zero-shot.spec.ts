import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readout } from "../src/evaluate/readout.ts";
import { FIXTURES, readFixture } from "../src/text/fixtures.ts";
import { lab as runLab } from "./support/cli.ts";
import type { LabPage, LaneName } from "./support/lab-page.ts";
import { ROOT, SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");
const folder = (name: string) => join(ROOT, "src/text/fixtures", name);

/** Files of a fixture; those whose names match `without` are left out. */
const filesOf = (name: string, without = /^reference/) =>
  readdirSync(folder(name))
    .filter((file) => !without.test(file) && !/^reference/.test(file))
    .map((file) => join(folder(name), file));

/** The readout that a lane shows once its run has ended. */
async function shown(lab: LabPage, lane: LaneName): Promise<{ label: string; probability: number }[]> {
  await expect(lab.byId(`top-${lane}`)).toHaveAttribute("data-state", "done");
  return lab
    .byId(`top-${lane}`)
    .locator("li")
    .evaluateAll((rows) =>
      rows.map((row) => ({
        label: row.getAttribute("data-label")!,
        probability: Number(row.getAttribute("data-probability")),
      })),
    );
}

async function expectReadout(lab: LabPage, lane: LaneName, expected: Readout): Promise<void> {
  await expect(async () => {
    const top = await shown(lab, lane);
    const scale = expected.top[0]!.probability;
    expect(top).toHaveLength(5);
    top.forEach(({ probability }, rank) => {
      expect(Math.abs(probability - expected.top[rank]!.probability) / scale).toBeLessThan(1e-4);
    });
    expect(top[0]!.label).toBe(expected.top[0]!.label);
  }).toPass({ timeout: 20_000 });
}

/** Opens a fixture, and waits until it has taken the place of the model before it. */
async function openModel(lab: LabPage, name: string, without?: RegExp): Promise<void> {
  await lab.byId("model-input").setInputFiles(filesOf(name, without));
  const digest = createHash("sha256")
    .update(readFileSync(join(folder(name), "model.safetensors")))
    .digest("hex");
  await expect(lab.byId("model-label-detail")).toContainText(digest);
  await lab.waitForRuns();
}

test("text towers of all layouts classify on WASM as on the command line; what goes wrong is said", async ({
  lab,
  page,
}, info) => {
  const references = await Promise.all(
    FIXTURES.map(async (name) => (await readFixture((file) => readFile(join(folder(name), file)))).reference),
  );
  // All fixtures have the same words.
  const { classes, templates } = references[0]!;
  const lists = { classes: info.outputPath("classes.txt"), templates: info.outputPath("templates.txt") };
  writeFileSync(lists.classes, classes.join("\n"));
  writeFileSync(lists.templates, templates.join("\n"));
  const readOut = async (name: string, ...flags: string[]) => {
    const args = ["trace", "--model", folder(name), "--image", IMAGE, ...flags];
    const words = ["--classes", lists.classes, "--templates", lists.templates];
    return (await runLab<{ readout: Readout }>([...args, ...words])).readout;
  };

  await lab.open();
  await expect(lab.byId("top-head")).toHaveText("own head");
  await expect(lab.byId("classes-note")).toContainText("own head chooses among 10 classes");
  expect(await shown(lab, "baseline")).toHaveLength(5);

  for (const name of FIXTURES) {
    const expected = readOut(name); // while the page opens the model
    await openModel(lab, name);
    if (name === FIXTURES[0]) {
      await lab.byId("class-names").fill(classes.join("\n"));
      await page.getByText("Edit the templates").click();
      await lab.byId("templates").fill(templates.join("\n"));
    }
    await lab.byId("embed-classes").click();
    await expect(lab.byId("top-head")).toHaveText("zero-shot over 6 classes, 3 templates");
    await expectReadout(lab, "baseline", await expected);
    // SigLIP's probabilities are of each class alone, which is said once for both lanes.
    const isSigmoid = name.includes("siglip");
    await expect(lab.page.getByText("these need not add up to 100 %")).toHaveCount(isSigmoid ? 1 : 0);
    if (name === FIXTURES[0]) {
      await lab.byId("bits-w4a4").click();
      await expectReadout(lab, "intervention", await readOut(name, "--quantize", "w4a4"));
      await lab.byId("bits-fp32").click();
    }
  }
  // Kept for the next visit, one entry a model.
  const kept = await page.evaluate(
    async () => (await (await caches.open("regscope-class-embeddings-1")).keys()).length,
  );
  expect(kept).toBe(FIXTURES.length);

  // A bad list leaves the readout as it was.
  const before = await shown(lab, "baseline");
  await lab.byId("class-names").fill("church\nchurch");
  await expect(lab.byId("classes-note")).toContainText("Changed since");
  await lab.byId("embed-classes").click();
  await expect(lab.messages()).toContainText('every class once, got "church" twice');
  expect(await shown(lab, "baseline")).toEqual(before);
  await lab.byId("names-input").setInputFiles({
    name: "classes.json",
    mimeType: "application/json",
    buffer: Buffer.from('{"n01440764": "tench", "n03028079": "church"}'),
  });
  await expect(lab.byId("class-names")).toHaveValue("tench\nchurch");
  await lab.byId("embed-classes").click();
  await expect(lab.byId("top-head")).toHaveText("zero-shot over 2 classes, 3 templates");
  expect((await shown(lab, "baseline")).map(({ label }) => label).sort()).toEqual(["church", "tench"]);

  // Dropped lists, and one that is none.
  await lab.drop([
    { name: "names.txt", type: "text/plain", bytes: Buffer.from("church\ngolf ball\nchain saw\n") },
    { name: "prompts.txt", type: "text/plain", bytes: Buffer.from("a photo of a {}.\n") },
  ]);
  await expect(lab.byId("class-names")).toHaveValue("church\ngolf ball\nchain saw");
  await expect(lab.byId("templates")).toHaveValue("a photo of a {}.");
  await lab.drop([{ name: "list.txt", type: "text/plain", bytes: Buffer.from([0xff, 0xd8, 0xff]) }]);
  await expect(lab.messages()).toContainText("list.txt: expected text in UTF-8, got other bytes");
  await expect(lab.byId("class-names")).toHaveValue("church\ngolf ball\nchain saw");

  // Without its tokenizer a model opens, and only the classes cannot be embedded.
  await openModel(lab, "clip", /tokenizer/);
  await lab.byId("embed-classes").click();
  await expect(lab.messages()).toContainText("expected a tokenizer.json beside the weights, got none");
  await expect(lab.byId("heatmap-baseline")).toHaveAttribute("data-state", "done");
});
