import { join } from "node:path";
import { cliTrace, flagsOf } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

/** What a backend must reproduce, relative (src/worker/backend.ts). */
const TOLERANCE = () => 1e-3;

test("WebGPU runs the bundled encoder when asked for, and comes to the same numbers", async ({ lab }) => {
  test.setTimeout(240_000);
  await lab.page.goto("./favicon.svg");
  const hasAdapter = await lab.page.evaluate(async () =>
    Boolean(await (navigator as unknown as { gpu?: GpuLike }).gpu?.requestAdapter()),
  );
  test.skip(!hasAdapter, "this Chromium has no WebGPU adapter");
  await lab.page.goto("./?backend=webgpu");
  await expect(lab.byId("status")).toHaveText("live · webgpu · 1 thread", { timeout: 180_000 });
  await expect(lab.byId("heatmap-intervention")).toHaveAttribute("data-state", "done", { timeout: 180_000 });
  await lab.setSwitch("accuracy-follow", false);
  const image = join(SAMPLES, "scene-t-shirt.png");
  await lab.expectTrace("baseline", await cliTrace(image), TOLERANCE);
  await lab.expectTrace("intervention", await cliTrace(image, flagsOf(lab.intervention())), TOLERANCE);
  await expect(lab.byId("arithmetic-int8").getByRole("radio")).toBeDisabled();
  await expect(lab.byId("arithmetic-refusal")).toContainText("no integer matrix kernels");
});

test("?backend=wasm keeps to WASM; an unknown backend is refused with a message", async ({ lab }) => {
  await lab.open("./?backend=wasm");
  await expect(lab.byId("status")).toHaveText(/^live · wasm/);
  await lab.open("./?backend=abacus");
  await expect(lab.messages().getByRole("alert")).toContainText(/backend.*abacus/);
  await expect(lab.byId("status")).toHaveText(/^live · wasm/);
});

interface GpuLike {
  requestAdapter(): Promise<object | null>;
}
