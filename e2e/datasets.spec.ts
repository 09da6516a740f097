import { readFile } from "node:fs/promises";
import { csvParse } from "d3-dsv";
import type { EvaluationReport } from "../src/evaluate/report.ts";
import { lab as runLab } from "./support/cli.ts";
import type { LabPage } from "./support/lab-page.ts";
import { BUNDLED_MODEL } from "./support/paths.ts";
import { serveRows } from "./support/rows-server.ts";
import { sceneFiles, writeFiles, zipOf } from "./support/scene-files.ts";
import { expect, test } from "./support/test.ts";

/** Two classes that the bundled encoder confuses now and then. */
const CLASSES = ["coat", "pullover"];
/** Images that the rounding of another runtime may turn, quantized rows only. */
const MOST_FLIPS = 2;

/** The command line's counts on a folder, with the encoder's own head. */
const cliReport = (folder: string, limit?: number) => cliEval(folder, ["--probe", "own"], limit);

const cliEval = (folder: string, head: readonly string[], limit?: number) =>
  runLab<EvaluationReport>([
    "eval",
    ...["--model", BUNDLED_MODEL],
    ...["--data", folder],
    ...head,
    ...["--seed", "1"],
    ...(limit === undefined ? [] : ["--limit", String(limit)]),
  ]);

async function evaluateAll(lab: LabPage): Promise<void> {
  await lab.byId("accuracy-n-all").click();
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
}

async function expectCounts(lab: LabPage, report: EvaluationReport): Promise<void> {
  for (const { name, correct } of report.configurations) {
    const row = `accuracy-${name.split("-")[0]}`;
    await expect(lab.byId(`${row}-n`)).toHaveText(String(report.n));
    const shown = Number(await lab.byId(`${row}-correct`).textContent());
    expect(Math.abs(shown - correct), name).toBeLessThanOrEqual(name === "fp32" ? 0 : MOST_FLIPS);
  }
}

test("a dropped zip counts what the command line counts on its folder", async ({ lab }, info) => {
  const files = await sceneFiles(CLASSES, 20);
  const folder = await writeFiles(info.outputPath("scenes"), files);
  await lab.open();
  await lab.clearIntervention();
  await lab.drop([zipOf(files)]);
  await expect(lab.byId("dataset-info")).toHaveText("scenes.zip: 40 images in 2 classes");
  await evaluateAll(lab);
  await expect(lab.byId("accuracy-progress")).toContainText("40 of 40 images · scenes.zip · own head");
  const report = await cliReport(folder);
  await expectCounts(lab, report);

  const [download] = await Promise.all([
    lab.page.waitForEvent("download"),
    lab.byId("save-accuracy-csv").click(),
  ]);
  const [fp32] = csvParse(await readFile(await download.path(), "utf8"));
  const first = report.configurations[0]!;
  expect(fp32).toMatchObject({
    configuration: "fp32",
    n: "40",
    correct: String(first.correct),
    top1_low95: String(first.interval[0]),
    seed: "1",
    dataset: "scenes.zip",
  });
});

test("a chosen folder is evaluated too, with its unreadable image counted", async ({ lab }, info) => {
  const files = await sceneFiles(CLASSES, 6);
  const damaged = { path: `${CLASSES[0]}/broken.png`, bytes: Buffer.from("no image") };
  const folder = await writeFiles(info.outputPath("folder"), [...files, damaged]);
  await lab.open();
  await lab.clearIntervention();
  await lab.byId("dataset-folder").setInputFiles(folder);
  await expect(lab.byId("dataset-info")).toHaveText("folder: 13 images in 2 classes");
  await evaluateAll(lab);
  await expect(lab.byId("accuracy-skipped")).toContainText("1 unreadable image is left out of every count");
  await expect(lab.byId("accuracy-skipped")).toContainText("broken.png");
  const report = await cliReport(folder);
  expect(report).toMatchObject({ n: 12, total: 13, skipped: { count: 1 } });
  await expectCounts(lab, report);
});

test("images that registers were curated from are not evaluated, and the set's name says so", async ({
  lab,
}) => {
  const files = await sceneFiles(CLASSES, 10);
  await lab.open();
  await lab.clearIntervention();
  await lab.drop([zipOf(files)]);
  await expect(lab.byId("dataset-info")).toHaveText("scenes.zip: 20 images in 2 classes");
  await lab.byId("curate-dataset").click();
  await expect(lab.messages()).toContainText("4 images of scenes.zip.");
  await evaluateAll(lab);
  await expect(lab.byId("accuracy-progress")).toContainText(
    "16 of 16 images · scenes.zip without the fifth of each class that was learnt from · own head",
  );
  await lab.setSwitch("prefix-switch", false);
  await evaluateAll(lab);
  await expect(lab.byId("accuracy-progress")).toContainText("20 of 20 images · scenes.zip · own head");
});

test("classes of the user's own are read by the chosen probe on held-out images", async ({ lab }, info) => {
  const files = (await sceneFiles(["bag", "trouser"], 10)).map(({ path, bytes }) => ({
    path: path.replace("bag", "sack").replace("trouser", "leg"),
    bytes,
  }));
  await lab.open();
  await lab.clearIntervention();
  await lab.drop([zipOf(files, "")]);
  await expect(lab.byId("dataset-info")).toHaveText("scenes.zip: 20 images in 2 classes");
  await evaluateAll(lab);
  await expect(lab.byId("accuracy-progress")).toContainText(
    /16 of 16 images .* nearest class mean .* fitted on 4 images of a fifth of each class of scenes.zip, held out/,
  );

  const folder = await writeFiles(info.outputPath("own"), files);
  const heads = [
    { probe: "ridge", label: /^ridge/, shown: /ridge probe \(.* by leave-one-out\), fitted on 4 images/ },
    { probe: "knn", label: /^k nearest/, shown: /4 nearest neighbours \(.*\) of 4 images/ },
  ];
  for (const { probe, label, shown } of heads) {
    await lab.byId("probe-kind").getByRole("button").click();
    await lab.page.getByRole("option", { name: label }).click();
    await lab.byId("accuracy-toggle").click();
    await expect(lab.byId("accuracy-progress")).toContainText(shown);
    await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
    await expectCounts(lab, await cliEval(folder, ["--probe", probe, "--holdout", "0"]));
  }
  await lab.setNumber("probe-neighbours", 3);
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy-progress")).toContainText(/3 nearest neighbours/);
});

test("an evaluation that was interrupted goes on after a reload", async ({ lab }, info) => {
  const files = await sceneFiles(CLASSES, 100);
  const folder = await writeFiles(info.outputPath("scenes"), files);
  const total = files.length;
  await lab.open();
  await lab.clearIntervention();
  const zip = zipOf(files);
  const opened = `scenes.zip: ${total} images in 2 classes`;
  await lab.drop([zip]);
  await expect(lab.byId("dataset-info")).toHaveText(opened);
  await lab.byId("accuracy-n-all").click();
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy-fp32-n")).toHaveText(/[1-9]/);
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy-continue")).toHaveText(new RegExp(`^Continue at \\d+ of ${total}$`));

  await lab.page.reload();
  await lab.waitForRuns();
  await expect(lab.byId("accuracy-continue")).toHaveCount(0);
  await expect(lab.byId("accuracy-elsewhere")).toContainText(
    new RegExp(`evaluation of scenes.zip was interrupted at \\d+ of ${total} images`),
  );
  await lab.drop([zip]);
  await expect(lab.byId("dataset-info")).toHaveText(opened);
  await expect(lab.byId("accuracy-elsewhere")).toHaveCount(0);
  const offer = (await lab.byId("accuracy-continue").textContent())!;
  const at = Number(/at (\d+)/.exec(offer)![1]);
  expect(at).toBeGreaterThan(0);
  expect(at).toBeLessThan(total);
  await lab.byId("accuracy-continue").click();
  await expect(lab.byId("accuracy-progress")).toContainText(`${total} of ${total} images`);
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
  await expectCounts(lab, await cliReport(folder));
  await expect(lab.byId("accuracy-continue")).toHaveCount(0);
});

test("rows of a Hub data set are evaluated through the rows API", async ({ lab }) => {
  const files = await sceneFiles(CLASSES, 6);
  const server = await serveRows(files);
  try {
    await lab.open();
    await lab.clearIntervention();
    await lab.byId("hub").locator("summary").click();
    await lab.byId("hub-base").fill(server.url);
    await lab.byId("hub-id").fill("owner/missing");
    await lab.byId("hub-open").click();
    await expect(lab.messages()).toContainText(
      "owner/missing: expected a data set, config and split that exist",
    );
    await lab.byId("hub-id").fill("owner/scenes");
    await lab.byId("hub-open").click();
    await expect(lab.byId("dataset-info")).toHaveText("owner/scenes (default, test): 12 images in 2 classes");
    await evaluateAll(lab);
    await expect(lab.byId("accuracy-fp32-n")).toHaveText("12");
    await expect(lab.byId("accuracy-progress")).toContainText("own head");
  } finally {
    server.close();
  }
});

test("archives that are no data set are refused, and the one in use stays", async ({ lab }) => {
  await lab.open();
  const png = Buffer.from("png");
  await lab.drop([{ name: "noise.zip", type: "application/zip", bytes: Buffer.from("noise") }]);
  await expect(lab.messages()).toContainText("noise.zip: expected a zip archive");
  await lab.drop([zipOf([{ path: "1.png", bytes: png }], "")]);
  await expect(lab.messages()).toContainText("1 images that lie in no class folder");
  await expect(lab.byId("dataset-info")).toHaveText("Bundled test set of labelled scenes.");
});
