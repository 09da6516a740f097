import { join } from "node:path";
import sharp from "sharp";
import { formatMagnitude } from "../src/figures/format.ts";
import { isShownAs } from "./support/agreement.ts";
import { type CliTrace, cliTrace } from "./support/cli.ts";
import type { LabPage } from "./support/lab-page.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const SAMPLE = join(SAMPLES, "scene-bag.png");
/** Side of the bundled encoder's input, pixels, and of its patches. */
const SIZE = 64;
const GRID = 8;

/** A mask file whose white pixels are some patches. */
async function patchMask(file: string, patches: readonly number[]): Promise<string> {
  const side = SIZE / GRID;
  const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
    const patch = Math.floor(i / SIZE / side) * GRID + Math.floor((i % SIZE) / side);
    return patches.includes(patch) ? 255 : 0;
  });
  await sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 1 } })
    .png()
    .toFile(file);
  return file;
}

const shown = (lab: LabPage, part: string, blocks: number) =>
  Promise.all(
    Array.from(
      { length: blocks },
      async (_, block) => (await lab.byId(`parts-${part}-${block}`).textContent()) ?? "",
    ),
  );

async function expectCurve(lab: LabPage, part: string, trace: CliTrace): Promise<string[]> {
  const values = await shown(lab, part, trace.blocks.length);
  for (const [block, { residual }] of trace.blocks.entries()) {
    expect(
      isShownAs(values[block]!, residual.max, 1e-4),
      `${part}, block ${block}: ${formatMagnitude(residual.max)}`,
    ).toBe(true);
  }
  return values;
}

async function compare(lab: LabPage): Promise<void> {
  await lab.byId("mask-compare").click();
  await expect(lab.byId("parts")).toHaveAttribute("data-state", "done");
}

test("a mask set by keyboard gives the command line's curves; painting changes them", async ({
  lab,
}, info) => {
  await lab.open("./#sample=scene-bag.png");
  await expect(lab.byId("mask-compare")).toBeDisabled();
  await lab.byId("mask-edit").click();
  await lab.byId("mask-editor").focus();
  // Two rows down, then three patches to the right.
  for (const key of ["ArrowDown", "ArrowDown", "Space", "ArrowRight", "Space", "ArrowRight", "Space"]) {
    await lab.page.keyboard.press(key);
  }
  await expect(lab.byId("mask-info")).toHaveText(
    `${((3 / 64) * 100).toFixed(1)} % of the pixels are foreground`,
  );
  await compare(lab);
  const file = await patchMask(info.outputPath("mask.png"), [16, 17, 18]);
  await expectCurve(lab, "original", await cliTrace(SAMPLE));
  const front = await expectCurve(
    lab,
    "foreground",
    await cliTrace(SAMPLE, ["--mask", file, "--keep", "foreground"]),
  );
  await expectCurve(lab, "background", await cliTrace(SAMPLE, ["--mask", file, "--keep", "background"]));

  // The same three patches as a rectangle by numbers.
  await lab.byId("mask-clear").click();
  for (const [edge, value] of Object.entries({ top: 2, bottom: 2, right: 2 })) {
    await lab.setNumber(`mask-${edge}`, value);
  }
  await lab.byId("mask-rectangle").click();
  await expect(lab.byId("mask-info")).toContainText("4.7 %");
  await compare(lab);
  expect(await shown(lab, "foreground", front.length)).toEqual(front);

  // A stroke over the middle makes another foreground.
  await lab.byId("mask-editor").scrollIntoViewIfNeeded();
  const box = (await lab.byId("mask-editor").boundingBox())!;
  await lab.page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
  await lab.page.mouse.down();
  await lab.page.mouse.move(box.x + (2 * box.width) / 3, box.y + box.height / 2, { steps: 4 });
  await lab.page.mouse.up();
  await expect(lab.byId("parts")).toHaveCount(0);
  await compare(lab);
  expect(await shown(lab, "foreground", front.length)).not.toEqual(front);

  // The same mask as a file; one of another shape is refused and the mask stays.
  await lab.byId("mask-input").setInputFiles(file);
  await expect(lab.byId("mask-info")).toContainText("4.7 %");
  await compare(lab);
  expect(await shown(lab, "foreground", front.length)).toEqual(front);
  const wide = info.outputPath("wide.png");
  await sharp({ create: { width: 40, height: 20, channels: 3, background: "white" } })
    .png()
    .toFile(wide);
  await lab.byId("mask-input").setInputFiles(wide);
  await expect(lab.messages()).toContainText(
    "wide.png: expected a mask of the image's shape (512 x 512), got 40 x 20",
  );
  await expect(lab.byId("mask-info")).toContainText("4.7 %");
});
