import { appendFile, cp } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import sirv from "sirv";
import { randomCheckpoint } from "../src/families/random-checkpoint.ts";
import { startTestHub } from "../src/hub/test-hub.ts";
import { writeModel } from "./support/checkpoint-files.ts";
import { cliTrace } from "./support/cli.ts";
import { lookUp, openPicker, savedModels, waitForCheck } from "./support/hub-picker.ts";
import { SAMPLES } from "./support/paths.ts";
import { PLAIN } from "./support/ports.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");
const OPTIONS = { width: 64, blocks: 3, heads: 4, patch: 8, grid: 4 };

test.use({ serviceWorkers: "allow" });

/** Addresses in the caches of the site itself, relative to it. */
const kept = (page: Page) =>
  page.evaluate(async () => {
    const base = new URL("./", document.baseURI).href;
    const names = (await caches.keys()).filter((name) => /^(workbox-precache|regscope-site)/.test(name));
    const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return keys.flat().map(({ url }) => url.replace(base, ""));
  });

const keepsAll = async (page: Page) => {
  await expect
    .poll(() => kept(page))
    .toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^index\.html/),
        expect.stringMatching(/^assets\/ort-.*\.wasm$/),
        expect.stringMatching(/^assets\/ort-.*\.mjs$/),
        "models/scenes-vit/model.safetensors",
        "models/scenes-vit/registers.safetensors",
        "samples/samples.json",
      ]),
    );
};

test("after one visit the site opens without a network, isolated as before, and a saved model of the Hub too", async ({
  lab,
  context,
}, info) => {
  const { bytes, config } = randomCheckpoint(OPTIONS);
  const hub = await startTestHub({
    "owner/vit": { files: { "model.safetensors": bytes, "config.json": JSON.stringify(config) } },
  });
  try {
    await lab.open();
    await keepsAll(lab.page);
    // One build of ORT: the one in use.
    expect((await kept(lab.page)).filter((url) => url.endsWith(".wasm"))).toHaveLength(1);
    await openPicker(lab);
    await lookUp(lab, hub, "owner/vit");
    await lab.byId("offer-open").click();
    const folder = await writeModel(info.outputPath("model"), OPTIONS);
    const trace = await cliTrace(IMAGE, [], folder);
    await expect(lab.byId("model-name")).toHaveText(trace.model.label);
    await lab.expectTrace("baseline", trace);
    const isolated = await lab.page.evaluate(() => window.crossOriginIsolated);
    expect(isolated).toBe(true);

    await waitForCheck(lab);
    await hub.close();
    await context.setOffline(true);
    await lab.open();
    expect(await lab.page.evaluate(() => window.crossOriginIsolated)).toBe(isolated);
    await lab.expectTrace("baseline", await cliTrace(IMAGE));
    await openPicker(lab);
    await savedModels(lab).getByRole("button", { name: "Open owner/vit" }).click();
    await expect(lab.byId("model-name")).toHaveText(trace.model.label);
    await lab.expectTrace("baseline", trace);
  } finally {
    await hub.close();
  }
});

test("a plain host under a sub-path opens without a network, too", async ({ lab, context }) => {
  await lab.open(PLAIN.url);
  await keepsAll(lab.page);
  await context.setOffline(true);
  await lab.open(`${PLAIN.url}?backend=wasm`);
  await lab.expectTrace("baseline", await cliTrace(IMAGE));
});

test("a new version waits until its user reloads, and until no other page needs the old one", async ({
  lab,
  context,
}, info) => {
  const site = info.outputPath("site");
  await cp(process.env.REGSCOPE_DIST ?? "dist", site, { recursive: true });
  const server: Server = createServer(sirv(site, { dev: true, etag: true }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    await lab.open(url);
    await keepsAll(lab.page);
    await expect(lab.byId("update")).toHaveCount(0);
    await appendFile(join(site, "sw.js"), "\n// another version\n");
    const other = await context.newPage();
    await other.goto(url);
    await lab.page.evaluate(() => navigator.serviceWorker.getRegistration().then((r) => r?.update()));
    await lab.page.evaluate(() => Object.assign(window, { isSamePage: true }));
    const isSamePage = () => lab.page.evaluate(() => "isSamePage" in window);
    await expect(lab.byId("update")).toContainText("save first");
    await lab.byId("update-reload").focus();
    await lab.page.keyboard.press("Enter");
    await expect(lab.byId("update")).toContainText("Close those");
    expect(await isSamePage()).toBe(true);
    await other.close();
    await lab.byId("update-reload").click();
    await lab.page.waitForFunction(() => !("isSamePage" in window));
    await lab.waitForRuns();
    await expect(lab.byId("update")).toHaveCount(0);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
