import type { Browser } from "@playwright/test";
import { createServer } from "vite";

/** A measure of the browser's side takes numbers and addresses. */
export type BenchArgument = string | number;

/** What bench/page.ts offers. */
export interface BenchWindow {
  measure(suite: string, args: readonly BenchArgument[]): Promise<unknown>;
}

/** Runs `measure(...args)` of bench/<suite>/measure.ts in a page of its own, served from the sources; resolves with its result. */
export async function measureInPage<T>(
  browser: Browser,
  suite: string,
  ...args: readonly BenchArgument[]
): Promise<T> {
  const server = await createServer({
    // Neither an edited file nor a dependency that is found late may reload the page.
    server: { host: "127.0.0.1", hmr: false, watch: null },
    optimizeDeps: { entries: ["bench/page.html", `bench/${suite}/*.ts`] },
    logLevel: "error",
  });
  await server.listen();
  const page = await browser.newPage();
  try {
    await page.goto(new URL("bench/page.html", server.resolvedUrls?.local[0]).href);
    await page.waitForFunction(() => "measure" in window);
    const result = await page.evaluate(
      ([name, values]) => (window as unknown as BenchWindow).measure(name, values),
      [suite, args] as const,
    );
    return result as T;
  } finally {
    await page.close();
    await server.close();
  }
}
