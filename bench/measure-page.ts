import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "@playwright/test";
import { build, preview } from "vite";
import { randomCheckpoint, VIT_B16 } from "../src/families/random-checkpoint.ts";
import { lanesDone, longestTask } from "./longest-task.ts";
import type { Row } from "./row.ts";

/** The main thread's tasks while runs stream, and the memory peak of opening a large model. */
export async function measurePage(browser: Browser): Promise<Row[]> {
  await build({ logLevel: "error" });
  const server = await preview({ preview: { host: "127.0.0.1" }, logLevel: "error" });
  try {
    const url = server.resolvedUrls?.local[0] ?? "";
    return [await longestTask(browser, await opened(browser, url)), await loadPeak(browser, url)];
  } finally {
    await server.close();
  }
}

/** The page at `url`, once both lanes have run. */
export async function opened(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await lanesDone(page);
  return page;
}

async function loadPeak(browser: Browser, url: string): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "regscope-bench-"));
  try {
    const { bytes, config } = randomCheckpoint({ ...VIT_B16, classes: 0 });
    writeFileSync(join(folder, "model.safetensors"), bytes);
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    const page = await opened(browser, url);
    const bundled = await page.getByTestId("model-name").textContent();
    const before = await rendererMemory(browser);
    await page
      .getByTestId("model-input")
      .setInputFiles([join(folder, "model.safetensors"), join(folder, "config.json")]);
    // The page names the new model only when it has loaded whole.
    await page.waitForFunction(
      (label) => document.querySelector("[data-testid=model-name]")?.textContent !== label,
      bundled,
      { timeout: 300_000 },
    );
    const peak = (await rendererMemory(browser)).peak - before.now;
    await page.close();
    return {
      name: "peak memory of opening a model / its bytes",
      value: peak / bytes.byteLength,
      limit: 2.2,
      unit: "x",
      detail: `${Math.round(peak / 1e6)} MB above the page before, for ${Math.round(bytes.byteLength / 1e6)} MB of weights (ViT-B/16)`,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Resident bytes, now and at most so far, of this browser's largest renderer process (Linux: /proc). */
export async function rendererMemory(browser: Browser): Promise<{ now: number; peak: number }> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => memoryOf(id));
  return renderers.reduce((largest, next) => (next.peak > largest.peak ? next : largest));
}

function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
}
