import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AGREEMENT } from "./support/agreement.ts";
import { type CliTrace, cliTrace, flagsOf } from "./support/cli.ts";
import { BUNDLED_MODEL, SAMPLES } from "./support/paths.ts";
import { PLAIN } from "./support/ports.ts";
import { expect, test } from "./support/test.ts";

/** Files that the bundled encoder may do without; a plain host answers 404 for them, which browsers log. */
const OPTIONAL = ["registers.safetensors", "recommended.json"].filter(
  (file) => !existsSync(join(BUNDLED_MODEL, file)),
);

for (const { name, url, status } of [
  { name: "isolated", url: "./", status: /^live · wasm · (1 thread|[2-4] threads)$/ },
  {
    name: "plain host, sub-path",
    url: PLAIN.url,
    status: /^live · wasm · 1 thread$/,
  },
]) {
  test(`the bundled encoder is live on the bundled image (${name})`, async ({ lab, page }) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      const file = basename(new URL(message.location().url || "file:///").pathname);
      if (message.type() === "error" && !OPTIONAL.includes(file)) errors.push(message.text());
    });

    await lab.open(url);
    const image = join(SAMPLES, "scene-t-shirt.png");
    const baseline = await cliTrace(image);
    await expect(lab.byId("status")).toHaveText(status);
    await expect(lab.byId("model-name")).toHaveText(baseline.model.label);
    await expect(lab.byId("parity")).toHaveText(/^parity: timm \d/);
    await expect(lab.byId("image-name")).toHaveText(/^scene-t-shirt\.png, 512 × 512 px/);
    await lab.expectTrace("baseline", baseline);
    await lab.expectTrace("intervention", await cliTrace(image, flagsOf(lab.intervention())));
    await lab.expectFc2("baseline", baseline);
    expect(errors).toEqual([]);
    await expect(lab.messages()).toBeEmpty();
  });
}

test("every bundled image is offered, and another one is analysed when chosen", async ({ lab }) => {
  await lab.open();
  await expect(lab.byId("sample-scene-t-shirt.png")).toHaveAttribute("aria-pressed", "true");
  await lab.byId("sample-scene-ankle-boot.png").click();
  await expect(lab.byId("image-name")).toContainText("scene-ankle-boot.png");
  await lab.expectTrace("baseline", await cliTrace(join(SAMPLES, "scene-ankle-boot.png")));
  expect(new URL(lab.page.url()).hash).toContain("sample=scene-ankle-boot.png");
});

test("the saved numbers of a lane are the command line's, in full precision", async ({ lab, page }, info) => {
  await lab.open();
  const saving = page.waitForEvent("download");
  await lab.byId("save-numbers-baseline").click();
  const file = info.outputPath("trace-baseline.json");
  await (await saving).saveAs(file);
  const saved = JSON.parse(await readFile(file, "utf8")) as CliTrace;
  const trace = await cliTrace(join(SAMPLES, "scene-t-shirt.png"));
  expect(saved.model.sha256).toBe(trace.model.sha256);
  expect(saved.blocks).toHaveLength(trace.blocks.length);
  for (const [i, { block, residual, fc2Input, perToken }] of trace.blocks.entries()) {
    const other = saved.blocks[i]!;
    const pairs = [
      ...(["max", "p99", "median"] as const).flatMap((key) => [
        [other.residual[key], residual[key]] as const,
        [other.fc2Input[key], fc2Input[key]] as const,
      ]),
      ...perToken.linf.map((value, row) => [other.perToken.linf[row]!, value] as const),
    ];
    const worst = Math.max(...pairs.map(([page, cli]) => Math.abs(page - cli) / Math.abs(cli)));
    expect(worst, `largest relative difference in block ${block}`).toBeLessThan(AGREEMENT(block));
  }
});
