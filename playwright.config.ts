import { defineConfig } from "@playwright/test";
import { ISOLATED, PLAIN } from "./e2e/support/ports.ts";

const executablePath = process.env.REGSCOPE_CHROMIUM;
/** Folder of the built site. */
const dist = process.env.REGSCOPE_DIST ?? "dist";

/** The built site twice: as `npm start` serves it, and as a plain static host does, under a sub-path, without headers. */
export default defineConfig({
  testDir: "e2e",
  timeout: 120_000,
  expect: { timeout: 60_000 },
  globalSetup: "./e2e/support/bundle-cli.ts",
  workers: 1,
  // A second try is recorded, and counted as flaky. Recording every test would make all of them a third slower.
  retries: 1,
  forbidOnly: !!process.env.CI,
  use: {
    baseURL: ISOLATED.url,
    // Tests see and change the requests of a page; the one about the service worker allows it.
    serviceWorkers: "block",
    trace: "on-first-retry",
    launchOptions: {
      ...(executablePath && { executablePath }),
      args: [
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-unsafe-webgpu",
      ],
    },
  },
  webServer: [
    {
      command: `npx vite preview --host 127.0.0.1 --port ${ISOLATED.port} --strictPort --outDir "${dist}"`,
      url: ISOLATED.url,
    },
    { command: `node e2e/static-host.mjs ${PLAIN.port}`, url: PLAIN.url },
  ],
});
