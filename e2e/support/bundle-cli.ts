import { join } from "node:path";
import { build } from "vite";
import { CLI_BUNDLE, ROOT } from "./paths.ts";

/** Playwright's global setup: the command line as one file, which starts in half the time of its sources; tests start it often. */
export default async function bundleCli(): Promise<void> {
  await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      ssr: true,
      outDir: CLI_BUNDLE,
      emptyOutDir: true,
      target: "node20",
      rolldownOptions: {
        // Pool threads are started by their file's name, from beside the code that starts them.
        input: {
          lab: join(ROOT, "e2e/support/lab-with-assets.ts"),
          "pool-thread": join(ROOT, "src/cli/pool-thread.ts"),
        },
        output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" },
      },
    },
  });
}
