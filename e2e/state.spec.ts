import { join } from "node:path";
import { cliTrace } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

test("a link restores image, deletion and quantization, and a reload keeps what was changed", async ({
  lab,
}) => {
  const image = join(SAMPLES, "scene-bag.png");
  await lab.open("./#delete=5,6,linf&quantize=6,6,per-channel&sample=scene-bag.png");
  await expect(lab.byId("image-name")).toContainText("scene-bag.png");
  await expect(lab.byId("prefix-switch").getByRole("switch")).not.toBeChecked();
  await expect(lab.byId("delete-switch").getByRole("switch")).toBeChecked();
  await expect(lab.page.getByRole("slider", { name: "Block of the deletion" })).toHaveValue("5");
  await expect(lab.byId("delete-count-number")).toHaveValue("6");
  await expect(lab.byId("bits-w6a6").getByRole("radio")).toBeChecked();
  await expect(lab.byId("granularity-per-channel").getByRole("radio")).toBeChecked();
  await lab.byId("bits-fp32").click();
  await lab.expectTrace("intervention", await cliTrace(image, ["--delete", "block=5,count=6"]));

  await lab.setNumber("delete-count-number", 9);
  await expect.poll(() => lab.page.url()).toContain("#delete=5,9,linf&sample=scene-bag.png");
  await lab.page.reload();
  await lab.waitForRuns();
  await expect(lab.byId("delete-count-number")).toHaveValue("9");
  await lab.expectTrace("intervention", await cliTrace(image, ["--delete", "block=5,count=9"]));

  await lab.setSwitch("delete-switch", false);
  await lab.byId("bits-w6a6").click();
  await expect.poll(() => lab.page.url()).toMatch(/#quantize=6,6,per-\w+&sample=scene-bag\.png$/);
  await lab.byId("granularity-per-channel").click();
  await expect.poll(() => lab.page.url()).toContain("#quantize=6,6,per-channel&");
  await lab.page.reload();
  await lab.waitForRuns();
  await expect(lab.byId("bits-w6a6").getByRole("radio")).toBeChecked();
  await expect(lab.byId("granularity-per-channel").getByRole("radio")).toBeChecked();
});

test("a link that cannot be read gives a message and the default settings", async ({ lab }) => {
  await lab.open();
  const defaults = lab.intervention();
  for (const { hash, says } of [
    { hash: "#delete=five,6,linf", says: /The link: expected .*, got .*delete/ },
    { hash: "#quantize=99,99,per-tensor", says: /The link: expected .*quantize/ },
  ]) {
    await lab.page.goto("about:blank");
    await lab.open(`./${hash}`);
    await expect(lab.messages().getByRole("alert")).toContainText(says);
    expect(lab.intervention()).toEqual(defaults);
  }
  await lab.expectTrace("baseline", await cliTrace(join(SAMPLES, "scene-t-shirt.png")));
});

test("of a link that does not fit the encoder, what fits is used, and the rest is told", async ({ lab }) => {
  const quantize = { weightBits: 6, activationBits: 6, weightGranularity: "per-tensor" };
  for (const { hash, says, used } of [
    {
      hash: "#prefix=feedface,2,6,4&quantize=6,6,per-tensor",
      says: /The link: expected registers feedface.*Open their registers file/,
      used: { prefix: null, delete: null, quantize },
    },
    {
      hash: "#delete=31,4,linf&quantize=6,6,per-tensor",
      says: /The link: expected settings of the encoder that is open .*, got deletion at block 31 of 4 patches/,
      used: { prefix: null, delete: { block: 7, count: 4, by: "linf" }, quantize },
    },
  ]) {
    await lab.page.goto("about:blank");
    await lab.open(`./${hash}`);
    await expect(lab.messages().getByRole("alert")).toContainText(says);
    expect(lab.intervention()).toMatchObject(used);
  }
});

test("the chosen theme is kept over a reload", async ({ lab, page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await lab.open();
  await lab.byId("theme-dark").click();
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.reload();
  await lab.waitForRuns();
  expect(await background()).toBe(dark);
  await lab.byId("theme-system").click();
  await expect.poll(background).not.toBe(dark);
});
