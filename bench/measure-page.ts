import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "@playwright/test";
import { build, preview } from "vite";
import { randomCheckpoint, VIT_B16 } from "../src/families/random-checkpoint.ts";
import type { Row } from "./row.ts";

/** Long tasks of the page's main thread while runs stream, and the memory peak of opening a large model. */
export async function measurePage(browser: Browser): Promise<Row[]> {
  await build({ logLevel: "error" });
  const server = await preview({ preview: { host: "127.0.0.1" }, logLevel: "error" });
  try {
    const url = server.resolvedUrls?.local[0] ?? "";
    return [await longestTask(browser, url), await loadPeak(browser, url)];
  } finally {
    await server.close();
  }
}

async function opened(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await lanesDone(page);
  return page;
}

async function lanesDone(page: Page): Promise<void> {
  for (const lane of ["baseline", "intervention"]) {
    await page.waitForSelector(`[data-testid=heatmap-${lane}][data-state=done]`, { timeout: 120_000 });
  }
}

async function longestTask(browser: Browser, url: string): Promise<Row> {
  const page = await opened(browser, url);
  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(window, { tasks });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) tasks.push(entry.duration);
    }).observe({ type: "longtask" });
  });
  // Ten superseding changes of the insertion block while runs stream.
  const slider = page.getByRole("slider", { name: "First block with the prefix" });
  // A disabled slider would start no runs, and the measure would hold for nothing.
  if (await slider.isDisabled())
    throw new Error("The bundled encoder has no registers: the prefix cannot be moved.");
  await slider.focus();
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press(i % 2 ? "ArrowRight" : "ArrowLeft");
    await page.waitForTimeout(150);
  }
  await lanesDone(page);
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  await page.close();
  return {
    name: "longest main-thread task while runs stream",
    value: Math.max(0, ...tasks),
    limit: 50,
    unit: "ms",
    detail: `${tasks.length} tasks above 50 ms in 10 superseding runs (0 = none)`,
  };
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
async function rendererMemory(browser: Browser): Promise<{ now: number; peak: number }> {
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
