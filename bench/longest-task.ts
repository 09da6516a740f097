import type { Browser, Page } from "@playwright/test";
import { max } from "d3-array";
import { z } from "zod";
import type { Row } from "./row.ts";

/** The parts of Chromium's trace format that are read: complete events with wall and thread time, microseconds. */
const traceSchema = z.object({
  traceEvents: z.array(
    z.object({
      name: z.string(),
      pid: z.number(),
      tid: z.number(),
      dur: z.number().default(0),
      tdur: z.number().default(0),
      args: z.object({ name: z.string().optional() }).loose().optional(),
    }),
  ),
});

/** Waits until both lanes have run. */
export async function lanesDone(page: Page): Promise<void> {
  for (const lane of ["baseline", "intervention"]) {
    await page.waitForSelector(`[data-testid=heatmap-${lane}][data-state=done]`, { timeout: 120_000 });
  }
}

/**
 * The longest task of the page's main thread while ten superseding changes of the insertion block stream and the
 * accuracy follows. Judged by the thread's own processor time, because on a busy machine a task's wall time also
 * counts the time in which the thread did not run; the wall time stands beside it.
 */
export async function longestTask(browser: Browser, page: Page): Promise<Row> {
  const slider = page.getByRole("slider", { name: "First block with the prefix" });
  // A disabled slider would start no runs, and the measure would hold for nothing.
  if (await slider.isDisabled())
    throw new Error("The bundled encoder has no registers: the prefix cannot be moved.");
  await browser.startTracing(page, { categories: ["toplevel"] });
  await slider.focus();
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press(i % 2 ? "ArrowRight" : "ArrowLeft");
    await page.waitForTimeout(150);
  }
  await lanesDone(page);
  // The accuracy starts once the lane has been idle for a while.
  await page.waitForSelector("[data-testid=accuracy][data-state=running]");
  await page.waitForTimeout(3000);
  const { traceEvents } = traceSchema.parse(JSON.parse((await browser.stopTracing()).toString()));
  await page.close();
  const tasks = mainThreadTasks(traceEvents);
  const wall = max(tasks, ({ dur }) => dur / 1000) ?? 0;
  return {
    name: "longest main-thread task while runs stream (processor time)",
    value: max(tasks, ({ tdur }) => tdur / 1000) ?? 0,
    limit: 50,
    unit: "ms",
    detail: `${tasks.length} tasks; by wall time the longest took ${Math.round(wall)} ms, ${tasks.filter(({ dur }) => dur > 50_000).length} above 50`,
  };
}

type TraceEvent = z.infer<typeof traceSchema>["traceEvents"][number];

/** Tasks of the main thread of the renderer that worked most: the page's. */
function mainThreadTasks(events: readonly TraceEvent[]): TraceEvent[] {
  const threads = events.filter(
    ({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain",
  );
  const perThread = threads.map(({ pid, tid }) =>
    events.filter((event) => event.pid === pid && event.tid === tid && /\bRunTask$/.test(event.name)),
  );
  const busiest = perThread.sort((a, b) => b.length - a.length)[0];
  if (!busiest?.some(({ tdur }) => tdur > 0))
    throw new Error("The trace holds no main-thread task with processor time.");
  return busiest;
}
