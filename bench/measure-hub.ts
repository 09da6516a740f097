import type { Browser } from "@playwright/test";
import { build, preview } from "vite";
import { randomCheckpoint, VIT_B16 } from "../src/families/random-checkpoint.ts";
import { startTestHub } from "../src/hub/test-hub.ts";
import { opened, rendererMemory } from "./measure-page.ts";
import type { Row } from "./row.ts";

/** Memory of opening a 344 MB encoder by its id from a local server that speaks the Hub's protocol. */
export async function measureHub(browser: Browser): Promise<Row[]> {
  const { bytes, config } = randomCheckpoint({ ...VIT_B16, classes: 0 });
  const files = { "model.safetensors": bytes, "config.json": JSON.stringify(config) };
  const hub = await startTestHub({ "owner/vit-b16": { files } });
  await build({ logLevel: "error" });
  const server = await preview({ preview: { host: "127.0.0.1" }, logLevel: "error" });
  try {
    const page = await opened(browser, server.resolvedUrls?.local[0] ?? "");
    const bundled = await page.getByTestId("model-name").textContent();
    await page.getByTestId("open-picker").click();
    await page.getByTestId("hub-url").fill(hub.url);
    await page.getByTestId("hub-model-id").fill("owner/vit-b16");
    await page.getByTestId("hub-look-up").click();
    const open = page.getByTestId("offer-open");
    await open.waitFor();
    const before = await rendererMemory(browser);
    const started = performance.now();
    await open.click();
    // The page names the new model only when it has loaded whole.
    await page.waitForFunction(
      (label) => document.querySelector("[data-testid=model-name]")?.textContent !== label,
      bundled,
      { timeout: 600_000 },
    );
    const seconds = (performance.now() - started) / 1000;
    const peak = (await rendererMemory(browser)).peak - before.now;
    await page.close();
    return [
      {
        name: "peak memory of opening a model from a server / its bytes",
        value: peak / bytes.byteLength,
        limit: 2.2,
        unit: "x",
        detail: `${Math.round(peak / 1e6)} MB above the page before, for ${Math.round(bytes.byteLength / 1e6)} MB of weights (ViT-B/16); ${seconds.toFixed(1)} s with download, saving, sha256 and sessions`,
      },
    ];
  } finally {
    await server.close();
    await hub.close();
  }
}
