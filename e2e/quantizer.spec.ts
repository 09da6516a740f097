import { join } from "node:path";
import type { EvaluationReport } from "../src/evaluate/report.ts";
import { QUANTIZED } from "./support/agreement.ts";
import { cliTrace, flagsOf, lab as runLab } from "./support/cli.ts";
import type { LabPage } from "./support/lab-page.ts";
import { SAMPLES } from "./support/paths.ts";
import { sceneFiles, writeFiles } from "./support/scene-files.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");

async function openAdvanced(lab: LabPage): Promise<void> {
  await lab.byId("quantizer-details").locator("summary").click();
  await expect(lab.byId("scheme")).toBeVisible();
}

async function choose(lab: LabPage, field: string, option: RegExp): Promise<void> {
  await lab.byId(field).getByRole("button").click();
  await lab.page.getByRole("option", { name: option }).click();
}

async function measureAccuracy(lab: LabPage): Promise<void> {
  // It may have started by itself before it was told not to follow.
  if ((await lab.byId("accuracy").getAttribute("data-state")) === "running") {
    await lab.byId("accuracy-toggle").click();
  }
  await expect(lab.byId("accuracy")).not.toHaveAttribute("data-state", "running");
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done", { timeout: 120_000 });
}

test.beforeEach(async ({ lab }) => {
  await lab.open();
  await lab.clearIntervention();
});

test("the quantizer's settings show the command line's numbers, and stay in the link", async ({ lab }) => {
  await lab.byId("bits-w8a8").click();
  await openAdvanced(lab);
  await lab.byId("scheme-asymmetric").click();
  await lab.setNumber("activation-bits", 6);
  await lab.setSwitch("clip", true);
  await lab.setNumber("clip-value", 0.8);
  await lab.setSwitch("linear-proj", false);
  await expect
    .poll(() => lab.page.url())
    .toContain("#quantize=8,6,per-tensor,scheme=asymmetric,clip=0.8x,linears=qkv+fc1+fc2&");
  const flags = flagsOf(lab.intervention());
  await lab.expectTrace("intervention", await cliTrace(IMAGE, flags), QUANTIZED);
  await lab.open(lab.page.url());
  await lab.page.reload();
  await lab.waitForRuns();
  await lab.expectTrace("intervention", await cliTrace(IMAGE, flags), QUANTIZED);
});

test("the attention matmuls are quantized on request, as on the command line", async ({ lab }) => {
  await lab.byId("bits-w6a6").click();
  await openAdvanced(lab);
  const without = await lab.rows("intervention");
  await lab.setSwitch("attention-matmuls", true);
  await expect.poll(() => lab.page.url()).toContain("#quantize=6,6,per-tensor,attention=on&");
  await lab.waitForRuns();
  expect(await lab.rows("intervention")).not.toEqual(without);
  await lab.expectTrace("intervention", await cliTrace(IMAGE, flagsOf(lab.intervention())), QUANTIZED);
  await lab.byId("arithmetic-int8").click();
  await expect.poll(() => lab.page.url()).toContain("#quantize=8,8,per-tensor,arithmetic=int8&");
  await lab.byId("scheme-asymmetric").click();
  await expect.poll(() => lab.page.url()).toContain("arithmetic=int8,scheme=asymmetric");
  await lab.waitForRuns();
  await lab.expectTrace("intervention", await cliTrace(IMAGE, flagsOf(lab.intervention())), QUANTIZED);
});

test("int8 runs, is labelled, and stands beside its simulation with time and bytes", async ({ lab }) => {
  await lab.byId("bits-w4a4").click();
  await lab.byId("arithmetic-int8").click();
  await expect(lab.byId("bits-w8a8").getByRole("radio")).toBeChecked();
  await expect(lab.page.getByRole("heading", { name: "Quantization (int8)" })).toBeVisible();
  const trace = await cliTrace(IMAGE, ["--quantize", "w8a8,arithmetic=int8"]);
  await lab.expectTrace("intervention", trace, QUANTIZED);
  await expect(lab.byId("measured-cost")).toHaveText(/fp32 [\d.]+ ms, .+ int8 [\d.]+ ms, /);
  await measureAccuracy(lab);
  await expect(lab.byId("accuracy-naive")).toContainText("W8A8 simulated, naive");
  await expect(lab.byId("accuracy-naive-int8")).toContainText("int8, naive");
  await expect(lab.byId("accuracy-naive-int8-milliseconds")).toHaveText(/^[\d.]+ ms$/);
  const bytes = (id: string) => lab.byId(`${id}-bytes`).textContent();
  expect(await bytes("accuracy-naive")).toBe(await bytes("accuracy-fp32"));
  expect(await bytes("accuracy-naive-int8")).not.toBe(await bytes("accuracy-fp32"));
});

test("ranges per batch are measured by the live accuracy, in the command line's batches", async ({ lab }) => {
  await lab.byId("bits-w6a6").click();
  await openAdvanced(lab);
  await choose(lab, "range", /dynamic, per batch/);
  await lab.setNumber("batch", 24);
  await expect.poll(() => lab.page.url()).toContain("#quantize=6,6,per-tensor,range=dynamic-batch,batch=24&");
  await expect(lab.byId("batch-hint")).toContainText("runs 24 images together");
  // The lane's one image is a batch of its own.
  await lab.expectTrace("intervention", await cliTrace(IMAGE, ["--quantize", "w6a6"]), QUANTIZED);
  await lab.setNumber("accuracy-seed", 1);
  await measureAccuracy(lab);
  await expect(lab.byId("accuracy-progress")).toContainText(/64 of 64 images .* batches of 24/);
  const cosine = async (range: string) => {
    const argv = ["--limit", "64", "--seed", "1", "--quantize", `w6a6,range=${range}`];
    return (await runLab<EvaluationReport>(["eval", "--bundled", ...argv])).configurations[1]!.meanCosine;
  };
  const shown = Number(await lab.byId("accuracy-naive-cosine").textContent());
  const [expected, apart] = [await cosine("dynamic-batch,batch=24"), await cosine("dynamic")];
  // Roundings of two backends may fall to different sides; ranges of another kind are farther away.
  expect(Math.abs(shown - expected)).toBeLessThan(Math.abs(shown - apart) / 4);
});

test("calibrated quantizers take the data set's probe images; what they set themselves is disabled", async ({
  lab,
}) => {
  await lab.byId("bits-w8a8").click();
  await openAdvanced(lab);
  const naive = await lab.rows("intervention");
  await choose(lab, "quantizer-base", /RepQ-ViT/);
  await expect.poll(() => lab.page.url()).toContain("base=repq-vit,calibration=dataset");
  await expect(lab.byId("scheme-asymmetric").getByRole("radio")).toBeDisabled();
  await lab.waitForRuns();
  await expect.poll(() => lab.rows("intervention")).not.toEqual(naive);
  await choose(lab, "quantizer-base", /round to nearest/);
  await choose(lab, "range", /static 99.9 %/);
  await expect.poll(() => lab.page.url()).toContain("range=99.9,calibration=dataset");
  await lab.waitForRuns();
});

test("calibration tells what it does, can be cancelled, and takes the images that are chosen", async ({
  lab,
}, info) => {
  await expect(lab.byId("calibration")).toHaveCount(0);
  await lab.byId("bits-w8a8").click();
  await openAdvanced(lab);
  await choose(lab, "quantizer-base", /RepQ-ViT/);
  await expect(lab.byId("calibration-images")).toContainText("Over 32 images of scenes-probe");
  await lab.setNumber("calibration-limit", 100);
  const progress = lab.byId("calibrating");
  await expect(progress).toContainText(/Calibrating, statistics: \d+ of 100 images/);
  await progress.getByRole("button", { name: "Cancel" }).press("Enter");
  await expect(progress).toHaveCount(0);
  await expect(lab.byId("heatmap-intervention")).toHaveAttribute("data-state", "idle");
  await lab.byId("calibrate").press("Enter");
  await expect(lab.byId("heatmap-intervention")).toHaveAttribute("data-state", "done");
  await expect(lab.byId("calibrate")).toHaveCount(0);

  const folder = await writeFiles(info.outputPath("photos"), await sceneFiles(["bag", "coat"], 4));
  await lab.byId("calibration-folder").setInputFiles(folder);
  await expect(lab.byId("calibration-images")).toContainText("Over 8 images of photos.");
  await lab.waitForRuns();
  const flags = [...flagsOf(lab.intervention()), "--calibrate", `data=${folder},limit=100`];
  await lab.expectTrace("intervention", await cliTrace(IMAGE, flags), QUANTIZED);

  // An evaluation waits for a calibration of its own configurations, and says so.
  await lab.byId("calibration-dataset").click();
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy-progress")).toContainText(
    /(Reading|Calibrating, .*): \d+ of \d+ (images|blocks)/,
  );
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).not.toHaveAttribute("data-state", "running");
});
