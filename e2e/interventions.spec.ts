import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QUANTIZED } from "./support/agreement.ts";
import { cliTrace } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { curateRegisters } from "./support/registers.ts";
import { expect, test } from "./support/test.ts";

/** The bundled encoder: CLS, then 8 x 8 patches. */
const GRID = 8;
const IMAGE = join(SAMPLES, "scene-t-shirt.png");

let folder: string;
let registers: string;

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regscope-e2e-"));
  registers = join(folder, "my-registers.safetensors");
  await curateRegisters(registers);
});

test.afterAll(() => rm(folder, { recursive: true, force: true }));

test.beforeEach(async ({ lab }) => {
  await lab.open();
  await lab.clearIntervention();
});

test("moving the prefix by keyboard changes the intervention as the command line says", async ({ lab }) => {
  await lab.byId("registers-input").setInputFiles(registers);
  await expect(lab.messages()).toContainText("Registers ready");
  await expect(lab.byId("prefix-switch").getByRole("switch")).toBeChecked();

  // The address follows the controls once they rest.
  await expect.poll(() => lab.intervention().prefix?.registers).toBeTruthy();
  const id = lab.intervention().prefix!.registers;
  await lab.setSlider("First block with the prefix", 2);
  await lab.setSlider("Last block with the prefix", 6);
  await lab.setNumber("prefix-count-number", 7.5);
  await expect.poll(() => lab.intervention().prefix).toEqual({ registers: id, from: 2, to: 6, count: 7.5 });
  const flags = ["--registers", registers];
  await lab.expectTrace(
    "intervention",
    await cliTrace(IMAGE, [...flags, "--prefix", "from=2,to=6,count=7.5"]),
  );

  await lab.setSlider("First block with the prefix", 4);
  await lab.setSlider("Register count", 3, 0.5);
  const moved = await cliTrace(IMAGE, [...flags, "--prefix", "from=4,to=6,count=3"]);
  await lab.expectTrace("intervention", moved);
  const baseline = await cliTrace(IMAGE);
  expect(moved.blocks[5]!.residual.max, "the prefix has an effect").not.toBe(
    baseline.blocks[5]!.residual.max,
  );
  await lab.expectTrace("baseline", baseline);

  // The prefix stands in its own band, and only in its blocks.
  await lab.pin(5, 0);
  await expect(lab.byId("readout-baseline")).toContainText("no prefix in this block");
  await expect(lab.byId("readout-intervention")).toContainText("key and value only");
  await expect(
    lab.byId("overlay-intervention").getByRole("button", { name: /receives .* % of/ }),
  ).toBeVisible();
  await lab.pin(3, 0);
  await expect(lab.byId("readout-intervention")).toContainText("no prefix in this block");
});

test("deleted tokens are hatched from their block on, by the paper's rule and by similarity", async ({
  lab,
}) => {
  await lab.setSwitch("delete-switch", true);
  await lab.chooseRule("linf");
  await lab.setSlider("Block of the deletion", 5);
  await lab.setNumber("delete-count-number", 6);
  const byMagnitude = await cliTrace(IMAGE, ["--delete", "block=5,count=6,by=linf"]);
  await lab.expectTrace("intervention", byMagnitude);
  await lab.expectTrace("baseline", await cliTrace(IMAGE));

  expect(byMagnitude.deleted).toHaveLength(6);
  const patches = [...byMagnitude.deleted].sort((a, b) => a - b).map((token) => token - 1);
  await lab.pin(5, 2);
  await expect.poll(() => lab.hatchedPatches("intervention", GRID)).toEqual(patches);
  expect(await lab.hatchedPatches("baseline", GRID)).toEqual([]);
  await lab.pin(4, 2);
  await expect.poll(() => lab.hatchedPatches("intervention", GRID)).toEqual([]);
  // Columns: prefix, CLS, patches.
  await lab.pin(7, 2 + patches[0]!);
  await expect(lab.byId("readout-intervention")).toContainText("deleted");
  await expect(lab.byId("readout-baseline")).not.toContainText("deleted");

  await lab.byId("registers-input").setInputFiles(registers);
  await lab.chooseRule("similarity");
  await lab.setSwitch("prefix-switch", false);
  await lab.setSlider("Deleted patches", 3);
  const bySimilarity = await cliTrace(IMAGE, [
    ...["--registers", registers],
    ...["--delete", "block=5,count=3,by=similarity"],
  ]);
  await lab.expectTrace("intervention", bySimilarity);
  expect(bySimilarity.deleted).toHaveLength(3);
  await expect
    .poll(() => lab.hatchedPatches("intervention", GRID))
    .toEqual([...bySimilarity.deleted].sort((a, b) => a - b).map((token) => token - 1));
});

test("deletion by criterion, its cutoff, bound and tensor do what the command line does; gaps can be refilled", async ({
  lab,
}) => {
  await lab.setSwitch("delete-switch", true);
  await lab.setSlider("Block of the deletion", 6);
  await lab.chooseRule("criterion");
  await lab.byId("delete-criterion").getByRole("button").click();
  await lab.page.getByRole("option", { name: /^Darcet/ }).click();
  // A whole number that the three largest patches exceed.
  const { perToken } = (await cliTrace(IMAGE)).blocks[5]!;
  const above = Math.floor(perToken.l2.slice(1).toSorted((a, b) => b - a)[2]!);
  await lab.setNumber("delete-above", above);
  const rule = `block=6,criterion=darcet,above=${above}`;
  const all = await cliTrace(IMAGE, ["--delete", rule]);
  expect(all.deleted.length).toBeGreaterThanOrEqual(3);
  await lab.expectTrace("intervention", all);
  await expect(lab.byId("delete-result")).toContainText(`${all.deleted.length} of ${GRID ** 2} patches`);

  await lab.setSwitch("delete-capped", true);
  await lab.setNumber("delete-count-number", 2);
  const bounded = await cliTrace(IMAGE, ["--delete", `${rule},at-most=2`]);
  expect(bounded.deleted).toHaveLength(2);
  await lab.expectTrace("intervention", bounded);
  await expect(lab.byId("delete-result")).toContainText(`2 of ${GRID ** 2} patches`);
  await expect.poll(() => lab.page.url()).toContain(`#delete=6,criterion=darcet,above=${above},at-most=2`);

  const patches = bounded.deleted.map((token) => token - 1);
  await lab.pin(7, 2);
  await expect.poll(() => lab.hatchedPatches("intervention", GRID)).toEqual(patches);
  const before = await lab.byId("overlay-intervention").locator(".overlay-cells").screenshot();
  await lab.setSwitch("refill", true);
  await expect.poll(() => lab.hatchedPatches("intervention", GRID)).toEqual(patches);
  const after = await lab.byId("overlay-intervention").locator(".overlay-cells").screenshot();
  expect(after.equals(before)).toBe(false);

  await lab.chooseRule("linf");
  await lab.byId("delete-tensor-post-ln").click();
  await lab.setNumber("delete-count-number", 5);
  await lab.expectTrace(
    "intervention",
    await cliTrace(IMAGE, ["--delete", "block=6,count=5,tensor=post-ln"]),
  );
});

test("W8A8, W6A6 and W4A4 show the command line's numbers; the baseline stays FP32", async ({ lab }) => {
  const baseline = await cliTrace(IMAGE);
  for (const bits of ["w8a8", "w6a6", "w4a4"]) {
    await lab.byId(`bits-${bits}`).click();
    const quantized = await cliTrace(IMAGE, ["--quantize", bits]);
    await lab.expectTrace("intervention", quantized, QUANTIZED);
    expect(quantized.blocks[0]!.residual.max, `${bits} has an effect`).not.toBe(
      baseline.blocks[0]!.residual.max,
    );
  }
  await lab.byId("granularity-per-channel").click();
  const perChannel = await cliTrace(IMAGE, ["--quantize", "w4a4,weights=per-channel"]);
  await lab.expectTrace("intervention", perChannel, QUANTIZED);
  await lab.expectTrace("baseline", baseline);
  await lab.byId("bits-fp32").click();
  await lab.expectTrace("intervention", baseline);
});

test("prefix, deletion and quantization work together", async ({ lab }) => {
  await lab.byId("registers-input").setInputFiles(registers);
  await expect(lab.messages()).toContainText("Registers ready");
  await lab.setSlider("First block with the prefix", 3);
  await lab.setSlider("Last block with the prefix", 7);
  await lab.setNumber("prefix-count-number", 4);
  await lab.setSwitch("delete-switch", true);
  await lab.chooseRule("linf");
  await lab.setSlider("Block of the deletion", 5);
  await lab.setNumber("delete-count-number", 4);
  const flags = ["--registers", registers, "--prefix", "from=3,to=7,count=4", "--delete", "block=5,count=4"];
  const together = await cliTrace(IMAGE, flags);
  await lab.expectTrace("intervention", together);

  await lab.byId("bits-w8a8").click();
  const quantized = await cliTrace(IMAGE, [...flags, "--quantize", "w8a8"]);
  // From the deletion on, one activation rounded the other way may decide which of two like tokens goes.
  const tolerance = (block: number) => (block < 5 ? QUANTIZED(block) : 0.5);
  await lab.expectTrace("intervention", quantized, tolerance);
  await lab.expectFc2("intervention", quantized, tolerance);
  expect(quantized.blocks[0]!.residual.max).not.toBe(together.blocks[0]!.residual.max);
  expect(quantized.deleted).toHaveLength(4);
  await lab.pin(5, 2);
  await expect.poll(async () => (await lab.hatchedPatches("intervention", GRID)).length).toBe(4);
});
