import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startTestHub } from "../src/hub/test-hub.ts";
import { cliTrace } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");
const DINO = join(import.meta.dirname, "../src/families/fixtures/dinov2");

test("a DINOv2 of the Hub is opened at another input size, and again after a reload", async ({ lab }) => {
  const files = Object.fromEntries(
    readdirSync(DINO).map((name) => [name, new Uint8Array(readFileSync(join(DINO, name)))]),
  );
  const hub = await startTestHub({ "owner/dinov2": { files, licence: "apache-2.0" } });
  const own = await cliTrace(IMAGE, [], DINO);
  const resized = await cliTrace(IMAGE, ["--input-size", "98"], DINO);
  const openFromHub = async () => {
    await lab.byId("open-picker").click();
    await lab.byId("hub-url").fill(hub.url);
    await lab.byId("hub-model-id").fill("owner/dinov2");
    await lab.byId("hub-look-up").click();
    await lab.byId("offer-open").click();
  };
  try {
    await lab.open();
    await expect(lab.byId("input-size")).toHaveCount(0); // the bundled encoder has one size
    await openFromHub();
    await expect(lab.byId("input-size")).toHaveValue("42");
    await lab.expectTrace("baseline", own);

    // Typed numbers go to the nearest whole number of patches.
    await lab.byId("input-size").fill("100");
    await lab.byId("input-size").blur();
    await expect(lab.byId("input-size")).toHaveValue("98");
    await expect(lab.byId("input-size-tokens")).toContainText("7 × 7 patches, 50 tokens");
    await lab.byId("input-size-apply").click();
    await expect(lab.byId("encoder-shape")).toContainText("7 × 7 patches of 14 px");
    await expect(lab.byId("image-name")).toContainText("seen as 98 × 98");
    await lab.expectTrace("baseline", resized);

    await lab.open();
    await openFromHub();
    await expect(lab.byId("encoder-shape")).toContainText("7 × 7 patches of 14 px");
    await lab.byId("input-size-reset").click();
    await lab.expectTrace("baseline", own);
    await expect(lab.byId("input-size-reset")).toHaveCount(0);
  } finally {
    await hub.close();
  }
});
